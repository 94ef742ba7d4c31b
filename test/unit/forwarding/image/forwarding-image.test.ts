import { describe, expect, it } from 'vitest';
import { CulvertError } from '../../../../src/errors.ts';
import { DEFAULT_TIMEOUTS, type Real, type Service } from '../../../../src/forwarding/forwarding-table.ts';
import { type Selection, selectReal } from '../../../../src/forwarding/image/choice/select-real.ts';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { SETTINGS } from '../../../../src/forwarding/image/tables/layout.ts';
import { allocateImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import type { IpAddress } from '../../../../src/net/address/ip-address.ts';
import { type Ipv4Address, ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { flowsOf, HASH_KEY, real, service, table, VIP } from './tables.ts';

const CAPACITY = { slots: 1 << 16, flows: 1 << 10 };
const CLIENT = ipv4('198.51.100.7');
const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];

interface Opened {
  readonly image: ForwardingImage;
  readonly memory: ReturnType<typeof allocateImageMemory>;
}

function open(services: readonly Service[] = []): Opened {
  const memory = allocateImageMemory(CAPACITY);
  const image = new ForwardingImage(memory);
  image.apply(table(services), 100);
  return { image, memory };
}

function select(
  image: ForwardingImage,
  clientPort: number,
  tcpFlags: number | undefined,
  tick = 100,
): Selection {
  const entry = image.findService(VIP, 80, tcpFlags === undefined ? 'udp' : 'tcp');
  if (!entry) throw new Error('no such service');
  return selectReal(image, entry, { client: CLIENT, clientPort, tcpFlags }, tick);
}

function addressOf(image: ForwardingImage, selection: Selection): IpAddress | undefined {
  return image.real(selection.real)?.address;
}

/** Which reals take the turns of new flows. */
function turns(image: ForwardingImage, count: number): (IpAddress | undefined)[] {
  return Array.from({ length: count }, (_, i) => addressOf(image, select(image, 2000 + i, SYN)));
}

function turnNumbers(image: ForwardingImage): number[] {
  return turns(image, 6).map((address) => Number(address) - Number(real(0).address));
}

function realsUpTo(count: number): Real[] {
  return Array.from({ length: count }, (_, i) => real(i + 1));
}

/** A thousand services of ten reals; one real of service `changed` has another weight. */
function thousand(changed?: number): Service[] {
  return Array.from({ length: 1000 }, (_, i) =>
    service({
      vip: (VIP + i) as Ipv4Address,
      reals: Array.from({ length: 10 }, (_unused, j) =>
        real(10 * i + j, { weight: i === changed && j === 0 ? 50 : 100 }),
      ),
    }),
  );
}

describe('applying a table', () => {
  it('holds what was applied', () => {
    const { image } = open([service(), service({ port: 443, scheduler: 'rr' })]);
    expect(image.services()).toEqual([service(), service({ port: 443, scheduler: 'rr' })]);
    expect(image.isVip(VIP)).toBe(true);
    expect(image.isVip(ipv4('192.0.2.11'))).toBe(false);
    expect(image.findService(VIP, 443, 'tcp')?.service.scheduler).toBe('rr');
    expect(image.findService(VIP, 443, 'udp')).toBeUndefined();
    expect([...image.reals()].map(({ service: { port }, address }) => [port, address])).toEqual(
      [80, 443].flatMap((port) => [1, 2, 3].map((number) => [port, real(number).address])),
    );
  });

  it('changes nothing the second time', () => {
    const { image, memory } = open([service(), service({ port: 443, scheduler: 'wrr' })]);
    const before = Object.values(memory).map((buffer) => Buffer.from(buffer.slice(0)));
    const none = { added: 0, changed: 0, removed: 0 };
    expect(image.apply(table([service(), service({ port: 443, scheduler: 'wrr' })]), 101)).toEqual({
      services: none,
      reals: none,
      slotsWritten: 0,
    });
    const after = Object.values(memory).map((buffer) => Buffer.from(buffer));
    expect(after.every((buffer, i) => buffer.equals(before[i] as Buffer))).toBe(true);
  });

  it('counts what it changes', () => {
    const { image } = open([service(), service({ port: 443 })]);
    const reals = [real(1, { weight: 2 }), real(2, { serving: false }), real(4)];
    const {
      services,
      reals: changed,
      slotsWritten,
    } = image.apply(table([service({ reals }), service({ port: 8080 })]), 101);
    expect(services).toEqual({ added: 1, changed: 1, removed: 1 });
    expect(changed).toEqual({ added: 4, changed: 2, removed: 4 });
    expect(slotsWritten).toBeGreaterThan(4096);
  });

  it('keeps a VIP as long as it has a service', () => {
    const { image } = open([service(), service({ port: 443 })]);
    image.apply(table([service({ port: 443 })]), 101);
    expect(image.isVip(VIP)).toBe(true);
    image.apply(table([]), 102);
    expect(image.isVip(VIP)).toBe(false);
    expect([...image.vips()]).toEqual([]);
  });

  it('writes only the slots of the real whose weight changes', () => {
    const { image } = open([service()]);
    const { slotsWritten } = image.apply(
      table([service({ reals: [real(1), real(2), real(3, { weight: 2 })] })]),
      101,
    );
    // From a third to a half: a sixth of the slots, and what Maglev moves besides.
    expect(slotsWritten).toBeGreaterThan(4096 / 6 - 2);
    expect(slotsWritten).toBeLessThan(1.1 * (4096 / 6));
  });

  it('refuses what does not fit, and changes nothing', () => {
    const { image, memory } = open([service()]);
    const before = Object.values(memory).map((buffer) => Buffer.from(buffer.slice(0)));
    const many = Array.from({ length: 16 }, (_, i) => service({ port: 1000 + i }));
    expect(() => image.apply(table([service({ reals: [real(9)] }), ...many]), 101)).toThrow(CulvertError);
    const after = Object.values(memory).map((buffer) => Buffer.from(buffer));
    expect(after.every((buffer, i) => buffer.equals(before[i] as Buffer))).toBe(true);
    expect(image.apply(table([service(), ...many.slice(1)]), 101).services.added).toBe(15);
  });

  it('refuses more reals than it has indices', () => {
    const { image } = open();
    const reals = Array.from({ length: 32_768 }, (_, i) => real(i));
    expect(() => image.apply(table([service({ reals })]), 101)).toThrow(/has 32768 reals .* at most 32767/);
  });

  it('tells of every index that is given to a new real, and starts its counters anew', () => {
    const added: number[] = [];
    const image = new ForwardingImage(allocateImageMemory(CAPACITY), {
      realAdded: (index) => added.push(index),
    });
    image.apply(table([service({ reals: [real(1), real(2)] })]), 100);
    expect(added).toEqual([1, 2]);
    image.countForwarded(1, 60, true);
    image.apply(table([service({ reals: [real(2)] })]), 101);
    image.apply(table([service({ reals: [real(2), real(3)] })]), 200);
    expect(added).toEqual([1, 2, 1]);
    expect(image.slowCounters(1)).toEqual({ packets: 0, bytes: 0, connections: 0 });
  });
});

describe('scheduling', () => {
  it('takes rr turns in the order listed, wrr turns as IPVS does', () => {
    const weighted = [real(1, { weight: 3 }), real(2, { weight: 2 }), real(3)];
    expect(turnNumbers(open([service({ scheduler: 'rr', reals: weighted })]).image)).toEqual([
      1, 2, 3, 1, 2, 3,
    ]);
    expect(turnNumbers(open([service({ scheduler: 'wrr', reals: weighted })]).image)).toEqual([
      1, 2, 1, 3, 2, 1,
    ]);
  });

  it('keeps flows on a drained real and gives it no new ones', () => {
    const { image } = open([service({ scheduler: 'rr', reals: [real(1)] })]);
    expect(select(image, 1000, SYN)).toMatchObject({ how: 'turn', connection: true });
    image.apply(table([service({ scheduler: 'rr', reals: [real(1, { weight: 0 })] })]), 101);
    expect(select(image, 1000, ACK)).toMatchObject({ how: 'flow', connection: false });
    expect(select(image, 1001, SYN)).toEqual({ real: 0, how: 'none', connection: false });
    expect(select(image, 1001, ACK)).toEqual({ real: 0, how: 'no-flow', connection: false });
  });

  it('chooses anew when a client opens again after a reset', () => {
    const { image } = open([service({ scheduler: 'rr' })]);
    const first = addressOf(image, select(image, 1000, SYN));
    expect(addressOf(image, select(image, 1000, SYN))).toBe(first);
    expect(addressOf(image, select(image, 1000, RST))).toBe(first);
    expect(select(image, 1000, SYN).how).toBe('turn');
    expect(addressOf(image, select(image, 1000, ACK))).toBe(real(2).address);
  });

  it('never remembers a reset that belongs to no flow', () => {
    const { image } = open([service({ reals: [real(1), real(2)] })]);
    image.apply(table([service({ reals: [real(1), real(2, { weight: 0 })] })]), 101);
    for (let port = 1; port < 200; port++) select(image, port, RST);
    expect(flowsOf(image, 101)).toEqual([]);
  });

  it('hashes the source alone where that is asked for', () => {
    const { image } = open([service({ hashOn: 'source' })]);
    expect(new Set(turns(image, 50)).size).toBe(1);
    expect(new Set(turns(open([service()]).image, 50)).size).toBe(3);
  });

  it('touches no memory while a ring is stable', () => {
    const { image } = open([service()]);
    expect(select(image, 1000, SYN)).toMatchObject({ how: 'stable', connection: true });
    expect(flowsOf(image, 101)).toEqual([]);
  });

  it('counts a UDP flow as a connection when it is first remembered', () => {
    const { image } = open([service({ scheduler: 'rr', protocol: 'udp' })]);
    expect(select(image, 1000, undefined)).toMatchObject({ how: 'turn', connection: true });
    expect(select(image, 1000, undefined)).toMatchObject({ how: 'flow', connection: false });
  });

  it('keeps remembered flows when a rotation becomes a ring', () => {
    const { image } = open([service({ scheduler: 'rr' })]);
    const before = turns(image, 30);
    image.apply(table([service({ scheduler: 'mh' })]), 101);
    const after = before.map((_, i) => addressOf(image, select(image, 2000 + i, ACK)));
    expect(after).toEqual(before);
  });
});

describe('a sweep', () => {
  it('counts the flows of each real by activity', () => {
    const { image } = open([service({ scheduler: 'rr', reals: [real(1)] })]);
    for (const port of [1000, 1001, 1002]) select(image, port, SYN);
    select(image, 1000, ACK);
    expect(image.flowCounts(1)).toEqual({ active: 3, inactive: 0, templates: 0 });
    select(image, 1000, FIN | ACK);
    expect(image.flowCounts(1)).toEqual({ active: 2, inactive: 1, templates: 0 });
    expect(image.sweep(100 + 50)).toMatchObject({ live: 1, expired: 2 });
    expect(image.flowCounts(1)).toEqual({ active: 0, inactive: 1, templates: 0 });
  });

  it('mends a count that a writer which died has left, once it was off twice', () => {
    const { image, memory } = open([service({ scheduler: 'rr', reals: [real(1)] })]);
    for (const port of [1000, 1001, 1002]) select(image, port, SYN);
    new BigUint64Array(memory.flowCounts)[1] = (7n << 32n) + 2n;
    image.sweep(101);
    expect(image.flowCounts(1)).toMatchObject({ active: 7, inactive: 2 });
    image.sweep(102);
    expect(image.flowCounts(1)).toMatchObject({ active: 3, inactive: 0 });
  });

  it('is not needed for counts to be right after a take-over', () => {
    const { image, memory } = open([service({ scheduler: 'rr', reals: [real(1)] })]);
    for (const port of [1000, 1001, 1002]) select(image, port, SYN);
    new BigUint64Array(memory.flowCounts)[1] = 1n;
    expect(new ForwardingImage(memory).flowCounts(1)).toMatchObject({ active: 3, inactive: 0 });
  });
});

describe('a sweep in steps', () => {
  it('leaves a ring alone that is changed while it runs', () => {
    const image = new ForwardingImage(allocateImageMemory({ slots: 1 << 16, flows: 1 << 17 }));
    const all = table([service()]);
    const drained = table([service({ reals: [real(1), real(2), real(3, { weight: 0 })] })]);
    image.apply(all, 100);
    image.apply(drained, 101);
    const flows = turns(image, 300);
    for (let i = 0; i < flows.length; i++) select(image, 2000 + i, ACK, 250);
    image.sweep(310);
    // Every window is over by now, and no flow is elsewhere: this sweep would make the ring stable.
    const steps = image.sweepInSteps(311);
    for (let part = 0; part < 3; part++) expect(steps.next().done).toBe(false);
    image.apply(all, 312);
    expect(steps.next().done).toBe(true);
    const after = flows.map((_, i) => addressOf(image, select(image, 2000 + i, ACK, 313)));
    expect(after).toEqual(flows);
  });
});

describe('a new process over the same memory', () => {
  it('reads services, reals, slots and serving flags from it', () => {
    const services = [
      service({ reals: [real(1), real(2, { weight: 7 }), real(3, { serving: false })] }),
      service({ port: 53, protocol: 'udp', scheduler: 'rr' }),
    ];
    const { memory } = open(services);
    const next = new ForwardingImage(memory);
    expect(next.services().toSorted((a, b) => b.port - a.port)).toEqual(services);
    expect(next.isVip(VIP)).toBe(true);
    const none = { added: 0, changed: 0, removed: 0 };
    expect(next.apply(table(services), 200)).toEqual({ services: none, reals: none, slotsWritten: 0 });
  });

  it('does not hold the time of its absence against flows', () => {
    const { image, memory } = open([service({ scheduler: 'rr' })]);
    image.setNow(100);
    const first = addressOf(image, select(image, 1000, SYN));
    select(image, 1000, ACK);
    const next = new ForwardingImage(memory);
    next.apply(table([service({ scheduler: 'rr' })]), 100 + 100_000);
    expect(next.sweep(100_100)).toMatchObject({ live: 1, expired: 0 });
    expect(addressOf(next, select(next, 1000, ACK, 100_100))).toBe(first);
    expect(next.sweep(100_100 + 200)).toMatchObject({ live: 0, expired: 1 });
  });

  it('frees what a process that was killed in between left unnamed', () => {
    const { image, memory } = open([service()]);
    const entry = image.findService(VIP, 80, 'tcp');
    // As if it had died after the reals of a second service were written.
    const real32 = new Uint16Array(memory.reals);
    const orphan = 9;
    real32[(orphan * 64 + 20) / 2] = 77;
    const next = new ForwardingImage(memory);
    expect(next.real(orphan)).toBeUndefined();
    expect(real32[(orphan * 64 + 20) / 2]).toBe(0);
    expect(next.findService(VIP, 80, 'tcp')?.firstSlot).toBe(entry?.firstSlot);
  });

  it('refuses memory of another layout', () => {
    const { memory } = open([service()]);
    new Uint32Array(memory.settings)[SETTINGS.layoutVersion / 4] = 99;
    expect(() => new ForwardingImage(memory)).toThrow(/layout 99/);
  });
});

describe('a ring whose service grows and shrinks', () => {
  it('has a power of two of slots, and gives the larger range back once it is stable', () => {
    const { image } = open([service({ reals: realsUpTo(10) })]);
    const slots = (): number | undefined => image.findService(VIP, 80, 'tcp')?.slotCount;
    expect(slots()).toBe(4096);
    image.apply(table([service({ reals: realsUpTo(11) })]), 101);
    expect(slots()).toBe(8192);
    image.apply(table([service({ reals: realsUpTo(10) })]), 110);
    expect(slots()).toBe(8192);
    for (const tick of [200, 400, 401]) image.sweep(tick);
    expect(slots()).toBe(4096);
    expect(turns(image, 200)).toEqual(turns(open([service({ reals: realsUpTo(10) })]).image, 200));
  });
});

describe('settings', () => {
  it('hand out outer IDs from 1 to 65535 and over again', () => {
    const { image, memory } = open();
    expect([image.nextOuterId(), image.nextOuterId()]).toEqual([1, 2]);
    new Uint32Array(memory.settings)[SETTINGS.outerId / 4] = 0xffff;
    expect([image.nextOuterId(), image.nextOuterId()]).toEqual([65_535, 1]);
  });

  it('hold the hash key and the size of the flow memory for the fast path', () => {
    const { memory } = open();
    const bytes = new Uint8Array(memory.settings);
    expect([...bytes.subarray(0, 16)]).toEqual([...HASH_KEY]);
    expect(new Uint32Array(memory.settings)[SETTINGS.flowSetMask / 4]).toBe(CAPACITY.flows / 4 - 1);
  });

  it('a new hash key forgets the flows, which could not be found any more', () => {
    const { image } = open([service({ scheduler: 'rr' })]);
    select(image, 1000, SYN);
    image.apply({ ...table([service({ scheduler: 'rr' })]), hashKey: new Uint8Array(16).fill(1) }, 101);
    expect(flowsOf(image, 101)).toEqual([]);
  });
});

describe('counters of the slow path', () => {
  it('count by real and by reason', () => {
    const { image, memory } = open([service()]);
    image.countForwarded(2, 60, true);
    image.countForwarded(2, 1480, false);
    image.countReason('too-big');
    image.countReason('not-ours');
    expect(image.slowCounters(2)).toEqual({ packets: 2, bytes: 1540, connections: 1 });
    expect(new ForwardingImage(memory).reasonCounts()).toEqual({ 'too-big': 1, 'not-ours': 1 });
  });
});

describe('a thousand services of ten reals', () => {
  it('fit the default capacity, and one weight moves only its own slots', () => {
    const image = new ForwardingImage(allocateImageMemory());
    image.apply(table(thousand(), DEFAULT_TIMEOUTS), 1);
    const summary = image.apply(table(thousand(500), DEFAULT_TIMEOUTS), 2);
    expect(summary.services).toEqual({ added: 0, changed: 1, removed: 0 });
    expect(summary.reals).toEqual({ added: 0, changed: 1, removed: 0 });
    expect(summary.slotsWritten).toBeLessThan(500);
  });
});
