// A service that is deleted and comes back, as `ipvsadm -S`, `-C` and `-R` do to all of them: its flows find their reals again.
import { describe, expect, it } from 'vitest';
import type { Service } from '../../../../../src/forwarding/forwarding-table.ts';
import { type Selection, selectReal } from '../../../../../src/forwarding/image/choice/select-real.ts';
import { isTemplate } from '../../../../../src/forwarding/image/flows/flow-state.ts';
import { ForwardingImage } from '../../../../../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory } from '../../../../../src/forwarding/image/tables/memory.ts';
import type { IpAddress } from '../../../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../../../src/net/address/ipv4-address.ts';
import { flowsOf, real, SHORT_TIMEOUTS, service, table, VIP } from '../tables.ts';

const [SYN, ACK] = [2, 16];
const CLIENT = ipv4('198.51.100.7');
const PORTS = Array.from({ length: 30 }, (_, i) => 2000 + i);
const PERSISTENCE = { timeoutMs: 60_000, prefixLength: 32 };

class Director {
  readonly image = new ForwardingImage(allocateImageMemory({ slots: 1 << 15, flows: 1 << 17 }));
  readonly #expireNodestConn: boolean;
  tick = 100;

  constructor(expireNodestConn: boolean) {
    this.#expireNodestConn = expireNodestConn;
  }

  apply(...services: Service[]): void {
    this.image.apply({ ...table(services), expireNodestConn: this.#expireNodestConn }, this.tick);
  }

  pass(ticks: number): void {
    for (let left = ticks; left > 0; left -= 10) {
      this.tick += 10;
      this.image.setNow(this.tick);
      this.image.sweep(this.tick);
    }
  }

  select(clientPort: number, tcpFlags: number | undefined, port = 80): Selection {
    const entry = this.image.findService(VIP, port, tcpFlags === undefined ? 'udp' : 'tcp');
    if (entry === undefined) throw new Error('no such service');
    const flow = { client: CLIENT, clientPort, servicePort: port, tcpFlags };
    return selectReal(this.image, entry, flow, this.tick);
  }

  send(clientPort: number, tcpFlags: number | undefined): IpAddress | undefined {
    return this.image.real(this.select(clientPort, tcpFlags).real)?.address;
  }

  expectTrueCounts(): void {
    for (const { index } of this.image.reals()) {
      const { active, inactive } = this.image.flowCounts(index);
      expect(active + inactive).toBe(
        flowsOf(this.image, this.tick).filter((flow) => flow.real === index && !isTemplate(flow.state))
          .length,
      );
    }
  }
}

function wlc(...numbers: number[]): Service {
  return service({ scheduler: 'wlc', reals: numbers.map((number) => real(number)) });
}

function mh(...numbers: number[]): Service {
  return service({ reals: numbers.map((number) => real(number)) });
}

const KINDS: readonly (readonly [string, Partial<Service>])[] = [
  ...(['wlc', 'lc', 'sed', 'nq', 'lblcr', 'rr', 'wrr', 'mh'] as const).map(
    (scheduler) => [scheduler, { scheduler }] as const,
  ),
  ['persistent wlc', { scheduler: 'wlc', persistence: PERSISTENCE }],
  ['UDP rr', { scheduler: 'rr', protocol: 'udp' }],
];

describe.each([true, false])('expireNodestConn %s', (expireNodestConn) => {
  it.each(KINDS)('%s: established flows find their reals again', (_name, overrides) => {
    const director = new Director(expireNodestConn);
    const [first, later] = overrides.protocol === 'udp' ? [undefined, undefined] : [SYN, ACK];
    const web = service(overrides);
    director.apply(web);
    const before = PORTS.map((port) => [director.send(port, first), director.send(port, later)][1]);
    director.pass(20);
    director.apply();
    expect(director.image.services()).toEqual([]);
    director.pass(50);
    director.apply(web);
    expect(PORTS.map((port) => director.send(port, later))).toEqual(before);
    director.expectTrueCounts();
    director.pass(20);
    expect(PORTS.map((port) => director.send(port, later))).toEqual(before);
    director.expectTrueCounts();
  });

  it('also when its reals come one by one, and held until theirs has', () => {
    const director = new Director(expireNodestConn);
    director.apply(wlc(1, 2));
    director.select(2000, SYN);
    director.select(2001, SYN);
    const before = [2000, 2001].map((port) => director.send(port, ACK));
    director.apply();
    director.apply(wlc());
    expect(director.select(2000, ACK).how).toBe('held');
    director.apply(wlc(1));
    director.pass(10);
    director.apply(wlc(1, 2));
    expect([2000, 2001].map((port) => director.send(port, ACK))).toEqual(before);
    director.expectTrueCounts();
  });

  it('a mh ring in transition keeps the flows that it remembers', () => {
    const director = new Director(expireNodestConn);
    director.apply(mh(1, 2));
    const before = PORTS.map((port) => director.send(port, SYN));
    director.apply(mh(1, 2, 3));
    expect(PORTS.map((port) => director.send(port, ACK))).toEqual(before);
    director.apply();
    director.apply(mh(1, 2, 3));
    expect(PORTS.map((port) => director.send(port, ACK))).toEqual(before);
    director.pass(SHORT_TIMEOUTS.establishedMs / 100 + 60);
    const entry = director.image.findService(VIP, 80, 'tcp');
    expect(entry && director.image.trackedSlots(entry)).toBe(0);
  });

  it('what does not come back is given up when its flows have timed out', () => {
    const director = new Director(expireNodestConn);
    director.apply(service({ scheduler: 'wlc' }), service({ scheduler: 'wlc', port: 81 }));
    const index = director.select(2000, SYN).real;
    director.select(2000, ACK);
    director.apply(service({ scheduler: 'wlc', port: 81 }));
    expect(flowsOf(director.image, director.tick)).toHaveLength(1);
    director.pass(SHORT_TIMEOUTS.establishedMs / 100 + 30);
    expect(flowsOf(director.image, director.tick)).toEqual([]);
    expect(director.image.real(index)).toBeUndefined();
  });

  it('a newcomer in its place of the table is another service', () => {
    const director = new Director(expireNodestConn);
    director.apply(service({ scheduler: 'wlc' }));
    director.select(2000, SYN);
    director.apply(service({ scheduler: 'wlc', port: 81 }));
    expect(director.select(2000, ACK, 81).how).toBe('no-flow');
    expect(director.image.findService(VIP, 81, 'tcp')?.index).toBe(2);
  });
});

it('the flows of a real that did not come back with its service get another one', () => {
  const director = new Director(true);
  director.apply(service({ scheduler: 'wlc', reals: [real(1), real(2)] }));
  director.select(2000, SYN);
  const rest = [real(1), real(2)].filter(({ address }) => address !== director.send(2000, ACK));
  director.apply();
  director.apply(service({ scheduler: 'wlc', reals: rest }));
  expect(director.select(2000, ACK).how).toBe('held');
  director.pass(80);
  expect(director.select(2000, ACK).how).toBe('no-flow');
  expect(director.send(2000, SYN)).toBe(rest[0]?.address);
});

it('a real that comes back counts from the beginning', () => {
  const added: number[] = [];
  const image = new ForwardingImage(allocateImageMemory({ slots: 1 << 15, flows: 1 << 12 }), {
    realAdded: (index) => added.push(index),
  });
  image.apply(table([wlc(1)]), 100);
  const entry = image.findService(VIP, 80, 'tcp');
  if (entry) selectReal(image, entry, { client: CLIENT, clientPort: 2000, tcpFlags: SYN }, 100);
  image.countForwarded(1, 40, true);
  image.apply(table([]), 101);
  image.apply(table([wlc(1)]), 102);
  expect(image.slowCounters(1)).toEqual({ packets: 0, bytes: 0, connections: 0 });
  expect(image.flowCounts(1)).toMatchObject({ active: 1 });
  expect(added).toEqual([1, 1]);
});

it('what is retired leaves room for what is new', () => {
  const director = new Director(true);
  const reals = Array.from({ length: 200 }, (_, i) => real(i + 1));
  // More reals in all, each with flows when its service is deleted, than there are places.
  for (let round = 0; round < 180; round++) {
    director.tick += 60;
    director.apply(service({ scheduler: 'rr', port: 100 + round, reals }));
    for (const [number] of reals.entries()) {
      director.select(3000 + number, SYN, 100 + round);
      director.select(3000 + number, ACK, 100 + round);
    }
  }
  expect(director.image.services()).toHaveLength(1);
});

it('a packet to a VIP that stays is held while its service is away, not answered by a reset', () => {
  const director = new Director(true);
  const other = service({ scheduler: 'wlc', port: 8080 });
  director.apply(wlc(1), other);
  director.select(2000, SYN);
  director.apply(other);
  const isAwaited = (clientPort: number, tcpFlags: number, port = 80): boolean =>
    director.image.isAwaited(
      { vip: VIP, port, protocol: 'tcp' },
      { client: CLIENT, clientPort, servicePort: port, tcpFlags },
    );
  director.pass(10);
  expect([isAwaited(2000, ACK), isAwaited(2000, SYN)]).toEqual([true, true]);
  expect([isAwaited(2001, ACK), isAwaited(2000, ACK, 81), isAwaited(2001, SYN)]).toEqual([
    false,
    false,
    false,
  ]);
});
