import { type BpfProgram, type TestResult, XDP_VERDICT } from '../../../src/linux/bpf/bpf-program.ts';
import type { BpfMap } from '../../../src/linux/bpf/map.ts';
import type { BpfObject } from '../../../src/linux/bpf/object.ts';
import { ETHERNET_HEADER_BYTES } from '../../../src/net/headers/ethernet.ts';
import { COUNT_NAMES, type DecapsulationCounts } from '../../../src/realserver/facts/facts.ts';
import { countsOf, loadRealServerProgram } from '../../../src/realserver/program/decapsulation-program.ts';
import { type Accepts, acceptanceOf } from './model.ts';
import { frame } from './tunnel-frames.ts';

/** The decapsulating program on no interface, run by BPF_PROG_TEST_RUN. */
export class LoadedProgram implements Disposable {
  readonly #object: BpfObject;
  readonly #program: BpfProgram;
  readonly #counts: BpfMap;
  #before: DecapsulationCounts;

  constructor(accepts: Accepts) {
    this.#object = loadRealServerProgram(acceptanceOf(accepts));
    this.#program = this.#object.program('culvert_realserver');
    this.#counts = this.#object.map('counts');
    this.#before = countsOf(this.#counts);
  }

  run(data: Uint8Array): TestResult {
    return this.#program.testRun({ data });
  }

  /** Runs packets through it; those that it passes, without their Ethernet header. */
  passed(packets: readonly Uint8Array[]): Uint8Array[] {
    return packets
      .map((packet) => this.run(frame(packet)))
      .filter(({ verdict }) => verdict === XDP_VERDICT.pass)
      .map(({ data }) => data.slice(ETHERNET_HEADER_BYTES));
  }

  startCounting(): void {
    this.#before = countsOf(this.#counts);
  }

  /** What was counted since; zeroes left out. */
  counted(): Partial<DecapsulationCounts> {
    const now = countsOf(this.#counts);
    const since = COUNT_NAMES.map((name) => [name, now[name] - this.#before[name]] as const);
    return Object.fromEntries(since.filter(([, count]) => count !== 0));
  }

  [Symbol.dispose](): void {
    for (const handle of [this.#counts, this.#program, this.#object]) handle[Symbol.dispose]();
  }
}
