import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory } from '../../../../src/forwarding/image/memory.ts';
import { ringSize } from '../../../../src/forwarding/image/ring.ts';
import { previewReal, selectReal } from '../../../../src/forwarding/image/select-real.ts';
import type { Real, SchedulerName } from '../../../../src/forwarding/table.ts';
import type { IpAddress } from '../../../../src/net/ip-address.ts';
import { type Ipv4Address, ipv4 } from '../../../../src/net/ipv4-address.ts';
import { real, SHORT_TIMEOUTS, service, table, VIP } from './tables.ts';

const SYN = 2;
const ACK = 16;
const CAPACITY = { slots: 1 << 17, flows: 1 << 14 };
const LONGEST_TICKS = SHORT_TIMEOUTS.establishedMs / 100;

interface Flow {
  readonly client: Ipv4Address;
  readonly clientPort: number;
  readonly real: IpAddress;
  lastTick: number;
}

/** One change or stretch of time; `pick` chooses a real or a flow, `amount` a weight or how long. */
interface Step {
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
class World {
  readonly protocol: 'tcp' | 'udp';
  readonly #memory = allocateImageMemory(CAPACITY);
  readonly #scheduler: SchedulerName;
  #image = new ForwardingImage(this.#memory);
  #reals = new Map<IpAddress, Real>();
  #flows: Flow[] = [];
  #tick = 1000;
  #made = 0;

  constructor(scheduler: SchedulerName, protocol: 'tcp' | 'udp', reals: number) {
    this.#scheduler = scheduler;
    this.protocol = protocol;
    for (let number = 1; number <= reals; number++) this.#set(real(number));
    this.#apply();
  }

  get entry(): NonNullable<ReturnType<ForwardingImage['findService']>> {
    const entry = this.#image.findService(VIP, 80, this.protocol);
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
    this.#image.apply(
      table([service({ scheduler: this.#scheduler, protocol: this.protocol, reals: this.reals })]),
      this.#tick,
    );
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
    const client = (ipv4('198.51.100.0') + (number % 251)) as Ipv4Address;
    const clientPort = 1024 + (number % 60_000);
    const first = this.#select(client, clientPort, SYN);
    if (first === undefined) return;
    const flow: Flow = { client, clientPort, real: first, lastTick: this.#tick };
    this.#flows.push(flow);
    this.#check(flow);
  }

  /** A random part of the flows sends: every one whose number and the seed fall together. */
  #send(seed: number): void {
    this.#flows.forEach((flow, i) => {
      if ((i * 7 + seed) % 3 === 0) this.#check(flow);
    });
  }

  #check(flow: Flow): void {
    expect(this.#select(flow.client, flow.clientPort, ACK)).toBe(flow.real);
    flow.lastTick = this.#tick;
  }

  #select(client: Ipv4Address, clientPort: number, flags: number): IpAddress | undefined {
    const tcpFlags = this.protocol === 'tcp' ? flags : undefined;
    const chosen = selectReal(this.#image, this.entry, { client, clientPort, tcpFlags }, this.#tick);
    return this.#image.real(chosen.real)?.address;
  }
}

const steps = fc.array(
  fc.record({ action: fc.constantFrom(...ACTIONS), pick: fc.nat(10_000), amount: fc.nat(10_000) }),
  { minLength: 1, maxLength: 40, size: 'max' },
);

/** Rings double from 10 reals to 11, and from 20 to 21. */
const initialReals = fc.constantFrom(3, 10, 11, 20);

/** What a director that starts now, with the same table, would choose for a thousand new flows. */
function choices(image: ForwardingImage, protocol: 'tcp' | 'udp'): (IpAddress | undefined)[] {
  const entry = image.findService(VIP, 80, protocol);
  if (!entry) throw new Error('the service is gone');
  return Array.from({ length: 1000 }, (_, i) => {
    const packet = {
      client: ipv4('203.0.113.7'),
      clientPort: 2000 + i,
      tcpFlags: protocol === 'tcp' ? SYN : undefined,
    };
    return image.real(previewReal(image, entry, packet).real)?.address;
  });
}

describe.each(['tcp', 'udp'] as const)('an mh service over %s', (protocol) => {
  it('never moves a flow of a serving real, and becomes stateless again', () => {
    fc.assert(
      fc.property(steps, initialReals, (sequence, reals) => {
        const world = new World('mh', protocol, reals);
        for (const step of sequence) world.step(step);
        world.settle();
        expect(world.image.trackedSlots(world.entry)).toBe(0);
        expect(world.entry.slotCount).toBe(ringSize(world.reals.length));
        const fresh = new ForwardingImage(allocateImageMemory(CAPACITY));
        fresh.apply(table([service({ protocol, reals: world.reals })]), 1);
        expect(choices(world.image, protocol)).toEqual(choices(fresh, protocol));
      }),
      { numRuns: 60 },
    );
  });
});

describe.each(['rr', 'wrr'] as const)('a %s service', (scheduler) => {
  it.each(['tcp', 'udp'] as const)('never moves a %s flow of a serving real', (protocol) => {
    fc.assert(
      fc.property(steps, initialReals, (sequence, reals) => {
        const world = new World(scheduler, protocol, reals);
        for (const step of sequence) world.step(step);
      }),
      { numRuns: 20 },
    );
  });
});
