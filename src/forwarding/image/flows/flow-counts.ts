// The live counts of active and inactive flows of each real.
import type { RealIndex } from '../../decision.ts';
import { FLOW_STATE, type FlowState, REALS } from '../tables/layout.ts';
import { isActive, isTemplate } from './flow-state.ts';

const ACTIVE = 1n << 32n;
const INACTIVE = 1n;

/** The map `flow_counts` of `bpf/layout.h`. */
export class FlowCounts {
  readonly #words: BigUint64Array<ArrayBuffer>;
  /** The same memory, for reading without a bigint: a negative low half has borrowed from the high half. */
  readonly #halves: Int32Array;

  constructor(flowCounts: ArrayBuffer) {
    this.#words = new BigUint64Array(flowCounts, 0, REALS);
    this.#halves = new Int32Array(flowCounts, 0, 2 * REALS);
  }

  /** Adds to a real's word the difference that a change of entries makes. */
  add(real: RealIndex, difference: bigint): void {
    if (difference !== 0n) Atomics.add(this.#words, real % REALS, BigInt.asUintN(64, difference));
  }

  active(real: RealIndex): number {
    const borrowed = (this.#halves[2 * real] as number) < 0 ? 1 : 0;
    return Math.max(0, (this.#halves[2 * real + 1] as number) + borrowed);
  }

  inactive(real: RealIndex): number {
    return Math.max(0, this.#halves[2 * real] as number);
  }

  word(real: RealIndex): bigint {
    return Atomics.load(this.#words, real);
  }

  /** Corrects a word, unless it is not `before` any more. */
  correct(real: RealIndex, before: bigint, right: bigint): void {
    Atomics.compareExchange(this.#words, real, before, right);
  }

  reset(real: RealIndex): void {
    Atomics.store(this.#words, real, 0n);
  }

  copy(): BigUint64Array<ArrayBuffer> {
    return this.#words.slice();
  }
}

/** Returns what an entry in this state adds to its real's word. */
export function flowWeight(state: FlowState): bigint {
  if (state === FLOW_STATE.none || isTemplate(state)) return 0n;
  return isActive(state) ? ACTIVE : INACTIVE;
}
