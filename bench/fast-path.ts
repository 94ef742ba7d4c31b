import { closeMaps, mapImage, mapSizes, mapsOf } from '../src/dataplane/xdp/pins/pinned-maps.ts';
import { DEFAULT_CAPACITY, type ImageCapacity } from '../src/forwarding/image/tables/memory.ts';
import type { BpfProgram } from '../src/linux/bpf/bpf-program.ts';
import { type BpfObject, openBpfObject } from '../src/linux/bpf/object.ts';
import type { IpFamily } from '../src/net/address/ip-address.ts';
import { PROTOCOL } from '../src/net/headers/ipv4.ts';
import { TCP_FLAGS } from '../src/net/headers/tcp.ts';
import { type FastPathCase, fillImage, frameWith, TTL } from './fast-path-traffic.ts';
import { summarize } from './statistics.ts';

/** One packet's cost, stripping and the next flow's header included, in both: medians over interleaved rounds. */
export interface FastPathResult {
  readonly case: FastPathCase;
  readonly family: IpFamily;
  /** That take turns; of a flood those that the memory is made for. */
  readonly flows: number;
  readonly nanoseconds: number;
  /** Of a program that puts an outer header of the same kind on every packet, for always the same real. */
  readonly floorNanoseconds: number;
  readonly ratioToFloor: number;
  /** The least and the most that a round measured, divided by its floor. */
  readonly spread: readonly [least: number, most: number];
}

export interface FastPathBenchOptions {
  readonly cases?: readonly FastPathCase[];
  readonly families?: readonly IpFamily[];
  readonly flows?: readonly number[];
  readonly rounds?: number;
}

const FAMILIES = [4, 6] as const;
/** At least so many for each flow: with fewer, sets that are full by chance would push flows out. */
const ENTRIES_PER_FLOW = 4;
const FLOW_COUNTS = [1, 1000, 100_000, 1_000_000] as const;
const CASES: Readonly<Record<FastPathCase, readonly number[]>> = {
  'mh-stable': FLOW_COUNTS,
  'mh-transition': FLOW_COUNTS,
  'rotation-tracked': FLOW_COUNTS,
  // The memory that a director has by default, and that of the other cases' most flows.
  'rotation-syn-flood': [DEFAULT_CAPACITY.flows / ENTRIES_PER_FLOW, 1_000_000],
};
/** So many that none comes again before its entry is another's. */
const FLOOD_FLOWS = 1 << 26;
/** Shares no factor with any of the flow counts, and jumps about in memory. */
const STRIDE = 618_033;
/** For each entry, so that hardly a set is left that is not full. */
const FILLING_FLOWS = 4;
const ROUNDS = 21;
/** Short beside the time for which other work gets the processor, so that a median leaves those intervals out. */
const RUNS_IN_INTERVAL = 10_000;
const INTERVALS_IN_ROUND = 20;
const RUNS_IN_ROUND = RUNS_IN_INTERVAL * INTERVALS_IN_ROUND;
/** Packets, bytes and connections of element 0, which counts what was handed over. */
const HANDED_OVER_WORDS = 3;
/** A few sets are full by chance all the same: of flows that are pushed out there the slow path would get the packets. */
const LEAST_FORWARDED = 0.98;
/** Offsets in an IPv4 header. */
const LEFT_OUT: readonly number[] = [10, 12, 14];
const SLOTS = 1 << 18;
const LEAST_ENTRIES = 1 << 10;
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
  const cases = options.cases ?? (Object.keys(CASES) as FastPathCase[]);
  return cases.flatMap((name) =>
    (options.families ?? FAMILIES).flatMap((family) =>
      (options.flows ?? CASES[name]).map((flows) => {
        using bench = new FastPathBench(name, family, flows);
        return bench.measure(options.rounds ?? ROUNDS);
      }),
    ),
  );
}

function capacityFor(flows: number): ImageCapacity {
  const entries = 2 ** Math.ceil(Math.log2(ENTRIES_PER_FLOW * flows));
  return { slots: SLOTS, flows: Math.max(LEAST_ENTRIES, entries) };
}

class FastPathBench implements Disposable {
  readonly #case: FastPathCase;
  readonly #family: IpFamily;
  readonly #flows: number;
  readonly #handles = new DisposableStack();
  readonly #director: BpfProgram;
  readonly #floor: BpfProgram;
  readonly #walk: Uint32Array;
  readonly #marks: BigUint64Array;
  readonly #forwarded: () => number;

  constructor(name: FastPathCase, family: IpFamily, flows: number) {
    this.#case = name;
    this.#family = family;
    this.#flows = flows;
    const director = this.#load('director', mapSizes(capacityFor(flows)));
    const bench = this.#load('bench', { slots: 1, flows: 1 }, director);
    const maps = this.#handles.adopt(mapsOf(director), closeMaps);
    const image = this.#handles.use(mapImage(maps));
    fillImage(image.memory, { case: name, family, ifIndex: LOOPBACK });
    this.#forwarded = () =>
      Number(
        image.counters
          .sumOverCpus()
          .subarray(HANDED_OVER_WORDS)
          .reduce((sum, n, i) => (i % HANDED_OVER_WORDS ? sum : sum + n), 0n),
      );
    const floorReal = this.#handles.use(bench.map('floor_real').mmap());
    new Uint8Array(floorReal.buffer).set(new Uint8Array(image.memory.reals, 64, 64));
    const targets = this.#handles.use(bench.map('targets'));
    const measured = [bench.program(`encapsulate_ipv${family}`), director.program('director')];
    for (const [at, program] of measured.entries()) {
      targets.update(at, new Uint8Array(Uint32Array.of(this.#handles.use(program).fd).buffer));
    }
    this.#floor = this.#handles.use(bench.program(`floor_ipv${family}`));
    this.#director = this.#handles.use(bench.program(`director_ipv${family}`));
    this.#walk = new Uint32Array(this.#handles.use(bench.map('walk').mmap()).buffer);
    this.#marks = new BigUint64Array(this.#handles.use(bench.map('marks').mmap()).buffer);
  }

  measure(rounds: number): FastPathResult {
    const isFlood = this.#case === 'rotation-syn-flood';
    const opening = frameWith(syn, this.#family);
    const frame = isFlood ? opening : frameWith(ack, this.#family);
    this.#begin(isFlood ? FLOOD_FLOWS : this.#flows, frame);
    // Opens every flow where flows are remembered, or fills the memory; and warms up where nothing is.
    const toOpen = isFlood ? FILLING_FLOWS * capacityFor(this.#flows).flows : this.#flows;
    for (let run = 0; run < toOpen; run += RUNS_IN_ROUND) this.#round(this.#director, opening);
    const floor: number[] = [];
    const director: number[] = [];
    const before = this.#forwarded();
    for (let round = 0; round < rounds; round++) {
      floor.push(this.#round(this.#floor, frame));
      director.push(this.#round(this.#director, frame));
    }
    const forwarded = this.#forwarded() - before;
    const wanted = rounds * (RUNS_IN_ROUND + 1);
    if (forwarded < LEAST_FORWARDED * wanted)
      throw new Error(`${this.#case}: ${forwarded} of ${wanted} packets were forwarded`);
    return this.#result(floor, director);
  }

  [Symbol.dispose](): void {
    this.#handles.dispose();
  }

  #begin(flows: number, frame: Uint8Array): void {
    this.#walk[WALK.stride] = flows === 1 ? 0 : STRIDE % flows;
    this.#walk[WALK.flows] = flows;
    this.#walk[WALK.index] = 0;
    this.#walk[WALK.headerSum] = this.#family === 4 ? headerSum(frame) : 0;
    this.#walk[WALK.ttlProtocol] = TTL | (PROTOCOL.tcp << 8);
  }

  #result(floor: readonly number[], director: readonly number[]): FastPathResult {
    const nanoseconds = summarize(director).median;
    const floorNanoseconds = summarize(floor).median;
    const ratios = summarize(director.map((time, round) => time / (floor[round] as number)));
    return {
      case: this.#case,
      family: this.#family,
      flows: this.#flows,
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

/** Of an IPv4 header's words as little-endian machines read them, checksum and client left out. */
function headerSum(frame: Uint8Array): number {
  const header = new DataView(frame.buffer, frame.byteOffset + 14, 20);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += LEFT_OUT.includes(at) ? 0 : header.getUint16(at, true);
  return sum;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
