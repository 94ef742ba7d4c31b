import { imageFlows } from '../../../../src/dataplane/image-flows.ts';
import type { Decision } from '../../../../src/forwarding/decision.ts';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import {
  DEFAULT_TIMEOUTS,
  type FlowTimeouts,
  type Real,
  type SchedulerName,
  type Service,
} from '../../../../src/forwarding/forwarding-table.ts';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { createForwarderState, type ForwarderState } from '../../../../src/forwarding/state.ts';

import { formatEndpoint, type IpAddress, ip, isIpv6 } from '../../../../src/net/address/ip-address.ts';
import type { Change, GoldenReal, Scenario, Step } from '../../../golden/ipvs/golden.ts';
import { packetsOf } from '../../../golden/ipvs/packets.ts';
import { HASH_KEY } from './tables.ts';

const STATES: Readonly<Record<string, string>> = {
  TEMPLATE: 'NONE',
  COOKIE_ECHOED: 'C-ECHOED',
  SHUTDOWN: 'S-RECEIVED',
};
const SWEEP_MS = 100;
/** A reset, or an abort of SCTP. */
const TCP_ANSWER: ReadonlySet<number | undefined> = new Set([6, 132]);

type Recorded = Pick<Scenario, 'name' | 'service' | 'sysctls' | 'timeouts'> &
  Partial<Pick<Scenario, 'reals' | 'flows'>>;

/** Does to an image and a forwarder what was done to the kernel. */
export class KernelReplay {
  readonly #scenario: Recorded;
  readonly #image = new ForwardingImage(allocateImageMemory({ slots: 1 << 16, flows: 1 << 12 }));
  readonly #state: ForwarderState;
  #reals: GoldenReal[] = [];
  #nowMs = 1_000_000;

  constructor(scenario: Recorded) {
    this.#scenario = scenario;
    this.#state = createForwarderState({
      image: this.#image,
      linkMtuBytes: 1500,
      interfaceMac: new Uint8Array(6),
    });
    for (const real of scenario.reals ?? []) this.#add(real);
    this.#apply();
  }

  /** @returns a letter for each packet, as in the recordings; `?` for an answer that the rate limit withheld */
  step(step: Step): string {
    if ('change' in step) this.#change(step.change);
    if ('waitMs' in step) this.#pass(step.waitMs);
    const letters = packetsOf(this.#scenario, step).map((packet) =>
      this.#letter(decide(packet, this.#state, this.#nowMs)),
    );
    // Templates are assured by the sweep that comes after the next.
    this.#pass(2 * SWEEP_MS);
    return letters.join('');
  }

  counts(): Record<string, readonly [number, number]> {
    const entries = [...this.#image.reals()].map(({ index, address }) => {
      const { active, inactive } = this.#image.flowCounts(index);
      return [this.#name(address), [active, inactive]] as const;
    });
    return Object.fromEntries(entries);
  }

  async connections(): Promise<string[]> {
    const { protocol, port } = this.#scenario.service;
    const lines: string[] = [];
    for await (const flow of imageFlows(this.#image, this.#nowMs / 100)) {
      const client = flow.client === undefined ? '?' : formatEndpoint(flow.client, flow.clientPort);
      const state = STATES[flow.state] ?? flow.state;
      const endpoint = formatEndpoint(flow.service.vip, port);
      const left = Math.ceil(flow.leftMs / 1000);
      lines.push(`${protocol.toUpperCase()} ${client} ${endpoint} ${this.#name(flow.real)} ${state} ${left}`);
    }
    return lines.toSorted();
  }

  /** The only connection, as the recordings of states have it: `ESTABLISHED 900`. */
  async only(): Promise<string> {
    const [line] = await this.connections();
    return line === undefined ? 'none' : line.split(' ').slice(4).join(' ');
  }

  #apply(): void {
    const tick = this.#nowMs / 100;
    this.#image.setNow(tick);
    this.#image.apply(
      {
        hashKey: HASH_KEY,
        timeouts: this.#timeouts(),
        expireNodestConn: this.#scenario.sysctls?.expire_nodest_conn === 1,
        expireQuiescentTemplate: this.#scenario.sysctls?.expire_quiescent_template === 1,
        sloppyTcp: this.#scenario.sysctls?.sloppy_tcp === 1,
        services: [this.#service()],
      },
      tick,
    );
  }

  #timeouts(): FlowTimeouts {
    const [established, finWait, udp] = this.#scenario.timeouts ?? [900, 120, 300];
    return {
      ...DEFAULT_TIMEOUTS,
      establishedMs: 1000 * established,
      finWaitMs: 1000 * finWait,
      udpMs: 1000 * udp,
    };
  }

  #service(): Service {
    const { protocol, vip, port, scheduler, persistence, onePacket } = this.#scenario.service;
    const address = ip(vip);
    return {
      vip: address,
      protocol,
      port,
      scheduler: scheduler as SchedulerName,
      hashOn: 'flow',
      tunnel: { type: 'ipip' },
      blackhole: { policy: 'refuse', after: 2 },
      ...(onePacket && { onePacket }),
      ...(persistence && {
        persistence: {
          timeoutMs: 1000 * persistence.timeoutSeconds,
          prefixLength: prefixLength(persistence.netmask, isIpv6(address) ? 128 : 32),
        },
      }),
      reals: this.#reals.map(tableReal),
    };
  }

  #change(change: Change): void {
    if ('add' in change) this.#add(change.add);
    else if ('remove' in change) this.#reals = this.#reals.filter(({ name }) => name !== change.remove);
    else this.#reals = this.#reals.map((real) => (real.name === change.edit.name ? change.edit : real));
    this.#apply();
  }

  /** rr goes forwards, where the kernel goes backwards: the list that it gets is turned round. */
  #add(real: GoldenReal): void {
    if (this.#scenario.service.scheduler === 'rr') this.#reals.unshift(real);
    else this.#reals.push(real);
  }

  #pass(ms: number): void {
    for (let left = ms; left > 0; left -= SWEEP_MS) {
      this.#nowMs += SWEEP_MS;
      this.#image.setNow(this.#nowMs / 100);
      this.#image.sweep(this.#nowMs / 100);
    }
  }

  #letter(decision: Decision): string {
    if (decision.verdict === 'forward')
      return this.#name(this.#image.real(decision.real)?.address ?? ip('::'));
    if (decision.verdict === 'answer') return TCP_ANSWER.has(protocolOf(decision.packet)) ? 'r' : 'u';
    return decision.reason === 'answer-quiet' ? '?' : '.';
  }

  #name(address: IpAddress): string {
    const all = [...this.#reals, ...(this.#scenario.reals ?? [])];
    return all.find((real) => ip(real.address) === address)?.name ?? '-';
  }
}

function protocolOf(packet: Uint8Array): number | undefined {
  return packet[(packet[0] as number) >> 4 === 4 ? 9 : 6];
}

function tableReal({ address, weight, upper, lower }: GoldenReal): Real {
  return {
    address: ip(address),
    weight,
    serving: true,
    ...(upper !== undefined && { upperThreshold: upper }),
    ...(lower !== undefined && { lowerThreshold: lower }),
  };
}

/** `64`, `255.255.255.0`, or all of the address. */
function prefixLength(netmask: string | undefined, whole: number): number {
  if (netmask === undefined) return whole;
  if (!netmask.includes('.')) return Number(netmask);
  return netmask
    .split('.')
    .map((byte) => Number(byte).toString(2).replaceAll('0', '').length)
    .reduce((sum, bits) => sum + bits, 0);
}
