import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { Real, Service } from '../../../../src/forwarding/forwarding-table.ts';
import { clientWord } from '../../../../src/forwarding/hashing/client-word.ts';
import { selectReal } from '../../../../src/forwarding/image/choice/select-real.ts';
import { isActive, isTemplate } from '../../../../src/forwarding/image/flows/flow-state.ts';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory, type ImageCapacity } from '../../../../src/forwarding/image/tables/memory.ts';
import { type IpAddress, ip, isIpv6 } from '../../../../src/net/address/ip-address.ts';
import { type Ipv4Address, ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { flowsOf, real, SHORT_TIMEOUTS, service, table, VIP } from './tables.ts';

export const SYN = 2;
const ACK = 16;
export const CAPACITY: ImageCapacity = { slots: 1 << 17, flows: 1 << 14 };
const LONGEST_TICKS = SHORT_TIMEOUTS.establishedMs / 100;

export type WorldOptions = Partial<Omit<Service, 'reals' | 'vip' | 'protocol'>> & {
  readonly protocol: 'tcp' | 'udp';
  readonly reals: number;
  /** The VIP and its clients. */
  readonly family?: 4 | 6;
  /** So many clients, each with many flows. */
  readonly clients?: number;
  readonly expireNodestConn?: boolean;
};

interface Flow {
  readonly client: IpAddress;
  readonly clientPort: number;
  readonly real: IpAddress;
  lastTick: number;
}

/** One change or stretch of time; `pick` chooses a real or a flow, `amount` a weight or how long. */
export interface Step {
  readonly action: (typeof ACTIONS)[number];
  readonly pick: number;
  readonly amount: number;
}

const ACTIONS = [
  'add',
  'add',
  'drain',
  'fail',
  'recover',
  'reweight',
  'remove',
  'restart',
  'wait',
  'wait',
  'leap',
] as const;

/** A director with one service, and clients whose flows it has to keep where they began. */
export class World {
  readonly protocol: 'tcp' | 'udp';
  readonly #options: WorldOptions;
  readonly #vip: IpAddress;
  readonly #memory = allocateImageMemory(CAPACITY);
  #image = new ForwardingImage(this.#memory);
  #reals = new Map<IpAddress, Real>();
  #flows: Flow[] = [];
  #tick = 1000;
  #made = 0;

  constructor(options: WorldOptions) {
    this.protocol = options.protocol;
    this.#options = options;
    this.#vip = options.family === 6 ? ip('2001:db8::10') : VIP;
    for (let number = 1; number <= options.reals; number++) this.#set(real(number));
    this.#apply();
  }

  get entry(): NonNullable<ReturnType<ForwardingImage['findService']>> {
    const entry = this.#image.findService(this.#vip, 80, this.protocol);
    if (!entry) throw new Error('the service is gone');
    return entry;
  }

  get image(): ForwardingImage {
    return this.#image;
  }

  get reals(): Real[] {
    return [...this.#reals.values()];
  }

  step({ action, pick, amount }: Step): void {
    const chosen = this.reals[pick % Math.max(1, this.#reals.size)];
    if (action === 'add') this.#set(real(1 + (pick % 24), { weight: 1 + (amount % 3) }));
    else if (action === 'wait') this.#pass(1 + (amount % 30));
    else if (action === 'leap') this.#pass(LONGEST_TICKS - 40 + (amount % 80));
    else if (action === 'restart') this.#image = new ForwardingImage(this.#memory);
    else if (chosen && action === 'drain') this.#set({ ...chosen, weight: 0 });
    else if (chosen && action === 'fail') this.#set({ ...chosen, serving: false });
    else if (chosen && action === 'recover') this.#set({ ...chosen, serving: true });
    else if (chosen && action === 'reweight') this.#set({ ...chosen, weight: 1 + (amount % 5) });
    else if (chosen && action === 'remove') this.#reals.delete(chosen.address);
    this.#apply();
    for (let i = 0; i < 20; i++) this.#open();
    this.#send(pick);
  }

  /** Every flow ends, and time passes until none is remembered. */
  settle(): void {
    this.#flows = [];
    for (let i = 0; i < 6; i++) {
      this.#pass(LONGEST_TICKS);
    }
  }

  #set(changed: Real): void {
    this.#reals.set(changed.address, changed);
  }

  #apply(): void {
    const { reals: _, family: __, clients: ___, expireNodestConn = true, ...overrides } = this.#options;
    const described = service({ ...overrides, vip: this.#vip, reals: this.reals });
    this.#image.apply({ ...table([described]), expireNodestConn }, this.#tick);
    // Held flows come back with their real, if they have not timed out.
    if (expireNodestConn)
      this.#flows = this.#flows.filter(({ real: address }) => this.#reals.get(address)?.serving);
  }

  /** Sweeps come once a second; a flow that is silent for longer than its timeout is given up. */
  #pass(ticks: number): void {
    for (const end = this.#tick + ticks; this.#tick < end; ) {
      this.#tick = Math.min(end, this.#tick + 10);
      this.#image.setNow(this.#tick);
      this.#image.sweep(this.#tick);
    }
    const timeout = this.protocol === 'tcp' ? LONGEST_TICKS : SHORT_TIMEOUTS.udpMs / 100;
    this.#flows = this.#flows.filter(({ lastTick }) => this.#tick - lastTick < timeout);
  }

  #open(): void {
    const number = this.#made++;
    const client = this.#client(number % (this.#options.clients ?? 251));
    const clientPort = 1024 + (number % 60_000);
    const known = this.#flows.findLast((flow) => flow.client === client);
    const first = this.#select(client, clientPort, SYN);
    if (first === undefined) return;
    if (known !== undefined && this.#options.persistence && this.#options.expireNodestConn !== false)
      expect(first).toBe(known.real);
    const flow: Flow = { client, clientPort, real: first, lastTick: this.#tick };
    this.#flows.push(flow);
    this.#check(flow);
  }

  #client(number: number): IpAddress {
    return this.#options.family === 6
      ? (((ip('2001:db8:ff::') as bigint) + (BigInt(number) << 64n) + 1n) as IpAddress)
      : ((ipv4('198.51.100.0') + number) as Ipv4Address);
  }

  /** A random part of the flows sends: every one whose number and the seed fall together. */
  #send(seed: number): void {
    this.#flows.forEach((flow, i) => {
      if ((i * 7 + seed) % 3 === 0) this.#check(flow);
    });
  }

  #check(flow: Flow): void {
    const isHeld = !this.#reals.get(flow.real)?.serving;
    expect(this.#select(flow.client, flow.clientPort, ACK)).toBe(isHeld ? undefined : flow.real);
    if (!isHeld) flow.lastTick = this.#tick;
  }

  #select(client: IpAddress, clientPort: number, flags: number): IpAddress | undefined {
    const chosen = selectReal(
      this.#image,
      this.entry,
      {
        client: clientWord(client, this.#image.hashKey),
        ...(isIpv6(client) && { clientAddress: client }),
        clientPort,
        tcpFlags: this.protocol === 'tcp' ? flags : undefined,
      },
      this.#tick,
    );
    return this.#image.real(chosen.real)?.address;
  }

  /** What the reals' counts say, against what is remembered. */
  expectTrueCounts(): void {
    const flows = flowsOf(this.#image, this.#tick).filter(({ state }) => !isTemplate(state));
    for (const { index } of this.#image.reals()) {
      const active = flows.filter(({ real: named, state }) => named === index && isActive(state)).length;
      const all = flows.filter(({ real: named }) => named === index).length;
      expect(this.#image.flowCounts(index)).toMatchObject({ active, inactive: all - active });
    }
  }
}

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ action: fc.constantFrom(...ACTIONS), pick: fc.nat(10_000), amount: fc.nat(10_000) }),
  { minLength: 1, maxLength: 40, size: 'max' },
);

/** Rings double from 10 reals to 11, and from 20 to 21. */
export const initialReals: fc.Arbitrary<number> = fc.constantFrom(3, 10, 11, 20);
