// A client that has closed its side and opens again from the same port, to every kind of service that remembers flows.
import { describe, expect, it } from 'vitest';
import type { Service } from '../../../../src/forwarding/forwarding-table.ts';
import { type FlowPacket, selectReal } from '../../../../src/forwarding/image/choice/select-real.ts';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { SCTP_CHUNK } from '../../../../src/net/headers/sctp.ts';
import { flowsOf, real, service, table, VIP } from './tables.ts';

const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];
const CLIENT = ipv4('198.51.100.7');
const PORTS = Array.from({ length: 40 }, (_, i) => 2000 + i);
const PERSISTENCE = { timeoutMs: 60_000, prefixLength: 32 };

/** A director with two reals, the first of which is drained once clients have flows to both. */
class Director {
  readonly image = new ForwardingImage(allocateImageMemory({ slots: 1 << 14, flows: 1 << 12 }));
  readonly #overrides: Partial<Service>;
  #tick = 100;

  constructor(overrides: Partial<Service>) {
    this.#overrides = overrides;
    this.apply(1);
  }

  apply(weight: number): void {
    const reals = [real(1, { weight }), real(2)];
    this.image.apply(table([service({ ...this.#overrides, reals })]), ++this.#tick);
  }

  /** The real, by its index, that a packet of a client's port goes to. */
  send(clientPort: number, packet: Partial<FlowPacket>): number {
    const entry = this.image.findService(VIP, 80, this.#overrides.protocol ?? 'tcp');
    if (entry === undefined) throw new Error('no service');
    const flow = { client: CLIENT, clientPort, tcpFlags: undefined, ...packet };
    return selectReal(this.image, entry, flow, this.#tick).real;
  }

  flags(clientPort: number, ...flags: readonly number[]): number[] {
    return flags.map((tcpFlags) => this.send(clientPort, { tcpFlags }));
  }

  /** What the reals' counts say is what is remembered. */
  expectTrueCounts(): void {
    for (const { index } of this.image.reals()) {
      const { active, inactive } = this.image.flowCounts(index);
      const remembered = flowsOf(this.image, this.#tick).filter(({ real: named }) => named === index);
      expect(active + inactive).toBe(remembered.length);
    }
  }
}

const KINDS: readonly (readonly [string, Partial<Service>])[] = [
  ['mh in transition', { scheduler: 'mh' }],
  ['rr', { scheduler: 'rr' }],
  ['wrr', { scheduler: 'wrr' }],
  ['wlc', { scheduler: 'wlc' }],
  ['sed', { scheduler: 'sed' }],
  ['sh', { scheduler: 'sh', schedulerFlags: ['sh-port', 'sh-fallback'] }],
];

describe.each(KINDS)('%s', (_name, overrides) => {
  it.each([
    ['FIN', [SYN, ACK, FIN | ACK, ACK]],
    ['FIN before the handshake has ended', [SYN, FIN | ACK]],
    ['RST', [SYN, ACK, RST]],
  ])('a drained real gets no connection of a client that opens again after %s', (_end, packets) => {
    const director = new Director(overrides);
    const before = PORTS.map((port) => director.flags(port, SYN, ACK)[1]);
    director.apply(0);
    // In a ring, flows are remembered from now on.
    for (const port of PORTS) director.flags(port, ACK);
    expect(before).toContain(1);
    for (let round = 0; round < 3; round++) {
      for (const port of PORTS) {
        if (round > 0) expect(new Set(director.flags(port, ...packets.slice(0, 1)))).toEqual(new Set([2]));
        director.flags(port, ...packets.slice(1));
      }
      director.expectTrueCounts();
    }
    for (const port of PORTS) expect(director.flags(port, SYN, SYN, ACK)).toEqual([2, 2, 2]);
    director.expectTrueCounts();
    expect(director.image.flowCounts(1)).toMatchObject({ active: 0, inactive: 0 });
  });

  it('a repeated SYN and a half-closed connection stay where they are', () => {
    const director = new Director(overrides);
    const half = PORTS.map((port) => director.flags(port, SYN)[0]);
    director.apply(0);
    for (const [i, port] of PORTS.entries()) {
      if (_name === 'mh in transition') director.flags(port, ACK);
      const chosen = director.flags(port, SYN, ACK, SYN, ACK, FIN | ACK, ACK, ACK, FIN | ACK);
      expect(chosen).toEqual(chosen.map(() => half[i]));
    }
    director.expectTrueCounts();
  });
});

it('a persistent client stays with its real, also when that is drained, as its template says', () => {
  const director = new Director({ scheduler: 'wlc', persistence: PERSISTENCE });
  const [first] = director.flags(2000, SYN);
  director.apply(first === 1 ? 0 : 1);
  expect(director.flags(2000, ACK, FIN | ACK, SYN, ACK)).toEqual([first, first, first, first]);
});

it('an association whose client has shut down and opens again is a new one', () => {
  const director = new Director({ scheduler: 'rr', protocol: 'sctp' });
  const send = (sctpChunk: number): number => director.send(2000, { sctpChunk });
  const { init, cookieEcho, shutdown, shutdownComplete } = SCTP_CHUNK;
  expect([init, init, cookieEcho, shutdown].map(send)).toEqual([1, 1, 1, 1]);
  expect([init, cookieEcho, shutdown, shutdownComplete].map(send)).toEqual([2, 2, 2, 2]);
  expect(send(init)).toBe(1);
});

it('a new connection in place of one whose real is gone and held is no held one', () => {
  const image = new ForwardingImage(allocateImageMemory({ slots: 1 << 14, flows: 1 << 12 }));
  const apply = (...numbers: number[]): void => {
    const reals = numbers.map((number) => real(number));
    image.apply({ ...table([service({ scheduler: 'rr', reals })]), expireNodestConn: false }, 100);
  };
  const send = (tcpFlags: number): number => {
    const entry = image.findService(VIP, 80, 'tcp');
    if (entry === undefined) throw new Error('no service');
    return selectReal(image, entry, { client: CLIENT, clientPort: 2000, tcpFlags }, 100).real;
  };
  apply(1, 2);
  expect([SYN, ACK, FIN | ACK].map(send)).toEqual([1, 1, 1]);
  apply(2);
  expect([ACK, SYN, ACK].map(send)).toEqual([0, 2, 2]);
});
