import { closeMaps, mapImage, mapSizes, mapsOf } from '../src/dataplane/xdp/pinned-maps.ts';
import { ForwardingImage } from '../src/forwarding/image/forwarding-image.ts';
import { SLOT_REAL_BITS, SLOT_REAL_MASK, SLOT_TRACKED } from '../src/forwarding/image/layout.ts';
import type { ImageCapacity, ImageMemory } from '../src/forwarding/image/memory.ts';
import { DEFAULT_TIMEOUTS, type ForwardingTable, type SchedulerName } from '../src/forwarding/table.ts';
import { type BpfObject, openBpfObject } from '../src/linux/bpf/object.ts';
import type { BpfProgram } from '../src/linux/bpf/program.ts';
import { buildEthernet, ETHERTYPE } from '../src/net/ethernet.ts';
import { buildIpv4, PROTOCOL } from '../src/net/ipv4.ts';
import { type Ipv4Address, ipv4 } from '../src/net/ipv4-address.ts';
import { buildTcp, TCP_FLAGS } from '../src/net/tcp.ts';
import { summarize } from './statistics.ts';

/**
 * - `mh-stable`: every slot of the ring has but one real; no flow is remembered.
 * - `mh-transition`: every slot is tracked, every flow remembered and found.
 * - `rotation-tracked`: rr; every flow remembered and found.
 */
export type FastPathCase = 'mh-stable' | 'mh-transition' | 'rotation-tracked';

/** One packet's cost, stripping and the next flow's header included, in both: medians over interleaved rounds. */
export interface FastPathResult {
  readonly case: FastPathCase;
  readonly flows: number;
  readonly nanoseconds: number;
  /** Of a program that puts an outer header on every packet, for always the same real. */
  readonly floorNanoseconds: number;
  readonly ratioToFloor: number;
  /** The least and the most that a round measured, divided by its floor. */
  readonly spread: readonly [least: number, most: number];
}

export interface FastPathBenchOptions {
  readonly cases?: readonly FastPathCase[];
  readonly flows?: readonly number[];
  readonly rounds?: number;
}

const ALL_CASES: readonly FastPathCase[] = ['mh-stable', 'mh-transition', 'rotation-tracked'];
const FLOW_COUNTS = [1, 100_000, 1_000_000] as const;
/** Shares no factor with any of the flow counts, and jumps about in memory. */
const STRIDE = 618_033;
const ROUNDS = 21;
/** Short beside the time for which other work gets the processor, so that a median leaves those intervals out. */
const RUNS_IN_INTERVAL = 10_000;
const INTERVALS_IN_ROUND = 20;
const RUNS_IN_ROUND = RUNS_IN_INTERVAL * INTERVALS_IN_ROUND;
export const CAPACITY: ImageCapacity = { slots: 1 << 18, flows: 1 << 22 };
const VIP = ipv4('192.0.2.10');
const PORT = 80;
const REALS = 10;
const TTL = 64;
const FRAME_BYTES = 64;
const LOOPBACK = 1;
const { syn, ack } = TCP_FLAGS;

/** Offsets in struct walk of bpf/bench.bpf.c, in 32-bit words. */
const WALK = {
  index: 0,
  stride: 1,
  flows: 2,
  headerSum: 3,
  ttlProtocol: 4,
  interval: 5,
  left: 6,
  marked: 7,
} as const;

export async function fastPathBench(options: FastPathBenchOptions = {}): Promise<FastPathResult[]> {
  return (options.cases ?? ALL_CASES).flatMap((name) => {
    using bench = new FastPathBench(name);
    return (options.flows ?? FLOW_COUNTS).map((flows) => bench.measure(flows, options.rounds ?? ROUNDS));
  });
}

class FastPathBench implements Disposable {
  readonly #case: FastPathCase;
  readonly #handles = new DisposableStack();
  readonly #director: BpfProgram;
  readonly #floor: BpfProgram;
  readonly #walk: Uint32Array;
  readonly #marks: BigUint64Array;
  readonly #forwarded: () => number;

  constructor(name: FastPathCase) {
    this.#case = name;
    const director = this.#load('director', mapSizes(CAPACITY));
    const bench = this.#load('bench', { slots: 1, flows: 1 }, director);
    const maps = this.#handles.adopt(mapsOf(director), closeMaps);
    const image = this.#handles.use(mapImage(maps));
    const wrapped = { floor: bench.program('encapsulate_only'), director: director.program('director') };
    fillImage(image.memory, name);
    this.#forwarded = () =>
      Number(image.counters.sumOverCpus().reduce((sum, n, i) => (i % 3 ? sum : sum + n), 0n));
    const floorReal = this.#handles.use(bench.map('floor_real').mmap());
    new Uint8Array(floorReal.buffer).set(new Uint8Array(image.memory.reals, 64, 64));
    const targets = this.#handles.use(bench.map('targets'));
    for (const [at, program] of [wrapped.floor, wrapped.director].entries()) {
      targets.update(at, new Uint8Array(Uint32Array.of(this.#handles.use(program).fd).buffer));
    }
    this.#floor = this.#handles.use(bench.program('bench_floor'));
    this.#director = this.#handles.use(bench.program('bench_director'));
    this.#walk = new Uint32Array(this.#handles.use(bench.map('walk').mmap()).buffer);
    this.#marks = new BigUint64Array(this.#handles.use(bench.map('marks').mmap()).buffer);
  }

  measure(flows: number, rounds: number): FastPathResult {
    const frame = frameWith(ack);
    this.#walk[WALK.stride] = flows === 1 ? 0 : STRIDE % flows;
    this.#walk[WALK.flows] = flows;
    this.#walk[WALK.index] = 0;
    this.#walk[WALK.headerSum] = headerSum(frame);
    this.#walk[WALK.ttlProtocol] = TTL | (PROTOCOL.tcp << 8);
    // Opens every flow where flows are remembered, and warms up where they are not.
    for (let run = 0; run < flows; run += RUNS_IN_ROUND) this.#round(this.#director, frameWith(syn));
    const floor: number[] = [];
    const director: number[] = [];
    const before = this.#forwarded();
    for (let round = 0; round < rounds; round++) {
      floor.push(this.#round(this.#floor, frame));
      director.push(this.#round(this.#director, frame));
    }
    const forwarded = this.#forwarded() - before;
    const wanted = rounds * (RUNS_IN_ROUND + 1);
    if (forwarded !== wanted)
      throw new Error(`${this.#case}: ${forwarded} of ${wanted} packets were forwarded`);
    return this.#result(flows, floor, director);
  }

  [Symbol.dispose](): void {
    this.#handles.dispose();
  }

  #result(flows: number, floor: readonly number[], director: readonly number[]): FastPathResult {
    const nanoseconds = summarize(director).median;
    const floorNanoseconds = summarize(floor).median;
    const ratios = summarize(director.map((time, round) => time / (floor[round] as number)));
    return {
      case: this.#case,
      flows,
      nanoseconds: rounded(nanoseconds),
      floorNanoseconds: rounded(floorNanoseconds),
      ratioToFloor: rounded(nanoseconds / floorNanoseconds),
      spread: [rounded(ratios.least), rounded(ratios.most)],
    };
  }

  /** Nanoseconds of one run: the median over the intervals of a round. */
  #round(program: BpfProgram, data: Uint8Array): number {
    this.#walk[WALK.interval] = RUNS_IN_INTERVAL;
    this.#walk[WALK.left] = 0;
    this.#walk[WALK.marked] = 0;
    program.testRun({ data, repeat: RUNS_IN_ROUND + 1 });
    const marks = [...this.#marks.subarray(0, INTERVALS_IN_ROUND + 1)].map(Number);
    const intervals = marks.slice(1).map((mark, i) => mark - (marks[i] as number));
    return summarize(intervals).median / RUNS_IN_INTERVAL;
  }

  #load(name: string, sizes: Record<string, number>, shared?: BpfObject): BpfObject {
    const reuse = shared === undefined ? {} : { settings: this.#handles.use(shared.map('settings')) };
    return this.#handles.use(openBpfObject(`build/bpf/${name}.bpf.o`, { mapSizes: sizes, reuse }));
  }
}

/** One service on port 80, whose reals are all behind one next hop. */
export function fillImage(memory: ImageMemory, name: FastPathCase, ifIndex: number = LOOPBACK): void {
  const image = new ForwardingImage(memory);
  image.setNow(1);
  image.apply(table(name === 'rotation-tracked' ? 'rr' : 'mh'), 1);
  for (const { index } of image.reals()) {
    image.setPath(index, {
      sourceAddress: ipv4('10.0.0.2'),
      mtuBytes: 1500,
      resolved: {
        nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 1),
        sourceMac: Uint8Array.of(2, 0, 0, 0, 0, 2),
        ifIndex,
      },
    });
  }
  if (name === 'mh-transition') trackEverySlot(image.slots);
}

/** As if every slot had just moved, from a real that still serves. */
function trackEverySlot(slots: Uint32Array): void {
  for (const [at, slot] of slots.entries()) {
    const real = slot & SLOT_REAL_MASK;
    if (real !== 0) slots[at] = real | (real << SLOT_REAL_BITS) | SLOT_TRACKED;
  }
}

function table(scheduler: SchedulerName): ForwardingTable {
  const reals = Array.from({ length: REALS }, (_, i) => ({
    address: (ipv4('10.1.0.1') + i) as Ipv4Address,
    weight: 1,
    serving: true,
  }));
  const common = { vip: VIP, port: PORT, protocol: 'tcp', tunnel: { type: 'ipip' } } as const;
  const policy = { blackhole: { policy: 'cure', after: 2 }, hashOn: 'flow' } as const;
  return {
    hashKey: Uint8Array.from({ length: 16 }, (_, i) => 7 + i * 29),
    timeouts: DEFAULT_TIMEOUTS,
    services: [{ ...common, ...policy, scheduler, reals }],
  };
}

/** 64 bytes from the Ethernet header to the end of the packet; the client is 0.0.0.0 until the walk sets it. */
export function frameWith(flags: number): Uint8Array {
  const addresses = { source: 0 as Ipv4Address, destination: VIP };
  const payload = new Uint8Array(FRAME_BYTES - 14 - 20 - 20);
  const segment = buildTcp({ ...addresses, sourcePort: 0, destinationPort: PORT, flags, payload });
  const packet = buildIpv4({ ...addresses, protocol: PROTOCOL.tcp, ttl: TTL, dontFragment: true }, segment);
  const mac = Uint8Array.of(2, 2, 2, 2, 2, 2);
  return buildEthernet({ destination: mac, source: mac, etherType: ETHERTYPE.ipv4 }, packet);
}

/** Of the IP header's words as little-endian machines read them, the checksum left out. */
function headerSum(frame: Uint8Array): number {
  const header = new DataView(frame.buffer, frame.byteOffset + 14, 20);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += at === 10 ? 0 : header.getUint16(at, true);
  return sum;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
