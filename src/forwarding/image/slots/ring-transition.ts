// Changes the ring of a hash service slot by slot, without moving flows off reals that still serve.
import type { RealIndex } from '../../decision.ts';
import { SLOT_REAL_BITS, SLOT_REAL_MASK, SLOT_TRACKED } from '../tables/layout.ts';
import type { OwnWords } from '../tables/own-words.ts';

/**
 * The transition of a ring, which changes without breaking a flow:
 *
 * 1. A stable slot names one real, and none of its flows is remembered.
 * 2. When its real changes and still serves, the slot leaves the stable state. From that tick on every packet's flow is
 *   remembered, and an unknown flow belongs to the real of the stable time, the fallback.
 * 3. One idle timeout later no flow can be alive without being remembered: the fallback ends, and `current` takes its place.
 *   `current` may change freely in between, since all flows that it gets are remembered.
 * 4. Once no remembered flow names a real other than `current`, the slot is stable again.
 */
export interface Transition {
  /** By slot, the tick at which it left the stable state; 0 if it is stable or its window is over. */
  readonly since: Uint32Array;
  tracked: number;
  /** The last tick at which a slot was written. */
  changedTick: number;
}

export interface RingRange {
  readonly slots: OwnWords;
  readonly first: number;
  readonly count: number;
}

export interface TransitionRules {
  readonly nowTick: number;
  /** The longest idle timeout of a flow, in ticks. */
  readonly windowTicks: number;
  isServing(real: RealIndex): boolean;
}

export function currentOf(slot: number): RealIndex {
  return slot & SLOT_REAL_MASK;
}

export function fallbackOf(slot: number): RealIndex {
  return (slot >>> SLOT_REAL_BITS) & SLOT_REAL_MASK;
}

export function isTracked(slot: number): boolean {
  return (slot & SLOT_TRACKED) !== 0;
}

export function trackedSlot(current: RealIndex, fallback: RealIndex): number {
  return current | (fallback << SLOT_REAL_BITS) | SLOT_TRACKED;
}

function newTransition(count: number, nowTick: number): Transition {
  return { since: new Uint32Array(count), tracked: 0, changedTick: nowTick };
}

/** Returns the transition of a ring that an earlier run left; undefined when all of it is stable. See `restartWindows`. */
export function findTransition(ring: RingRange): Transition | undefined {
  let transition: Transition | undefined;
  for (let i = 0; i < ring.count; i++) {
    if (!isTracked(ring.slots.words[ring.first + i] as number)) continue;
    transition ??= newTransition(ring.count, 0);
    transition.tracked++;
  }
  return transition;
}

/** Restarts all windows now, after a take-over: memory does not hold when a slot left the stable state. */
export function restartWindows(ring: RingRange, transition: Transition, nowTick: number): void {
  transition.changedTick = nowTick;
  for (let i = 0; i < ring.count; i++) {
    if (isTracked(ring.slots.words[ring.first + i] as number)) transition.since[i] = tickMark(nowTick);
  }
}

/** Writes a range of stable slots, for a ring that has no flows yet. @returns the number of slots written */
export function spread(ring: RingRange, wanted: ArrayLike<RealIndex>): number {
  const shift = shiftBetween(ring.count, wanted.length);
  for (let i = 0; i < ring.count; i++) {
    ring.slots.store(ring.first + i, wanted[i >>> shift] as RealIndex);
  }
  return ring.count;
}

/** Writes a range in which every slot is tracked and falls back to itself, for a ring whose flows are all remembered. */
export function trackAll(ring: RingRange, wanted: ArrayLike<RealIndex>, nowTick: number): Transition {
  const shift = shiftBetween(ring.count, wanted.length);
  for (let i = 0; i < ring.count; i++) {
    const real = wanted[i >>> shift] as RealIndex;
    ring.slots.store(ring.first + i, trackedSlot(real, real));
  }
  return { since: new Uint32Array(ring.count), tracked: ring.count, changedTick: nowTick };
}

/**
 * Has the flows of a slot looked up in the memory, because a flow that is remembered there names another real. The slot keeps its
 * real for all others, and is stable again when that flow is over.
 */
export function holdSlot(
  ring: RingRange,
  before: Transition | undefined,
  index: number,
  nowTick: number,
): Transition {
  const transition = before ?? newTransition(ring.count, nowTick);
  const slot = ring.slots.words[ring.first + index] as number;
  if (!isTracked(slot)) {
    ring.slots.store(ring.first + index, trackedSlot(currentOf(slot), currentOf(slot)));
    transition.tracked++;
  }
  // A sweep under way may have passed the flow's entry before it was written.
  transition.changedTick = nowTick;
  return transition;
}

export interface RingChange {
  readonly transition: Transition | undefined;
  readonly written: number;
}

/**
 * Changes a ring to the wanted reals, slot by slot, in place.
 * @param wanted one real for each slot, or for each run of 2^k slots of a range that is larger than needed
 */
export function changeRing(
  ring: RingRange,
  before: Transition | undefined,
  wanted: ArrayLike<RealIndex>,
  rules: TransitionRules,
): RingChange {
  const shift = shiftBetween(ring.count, wanted.length);
  let transition = before;
  let written = 0;
  for (let i = 0; i < ring.count; i++) {
    const slot = ring.slots.words[ring.first + i] as number;
    const real = wanted[i >>> shift] as RealIndex;
    // The slot is stable, like most slots, and stays so.
    if (slot === real) continue;
    const next = nextSlot(slot, real, transition?.since[i] ?? 0, rules);
    if (next === slot) continue;
    if (isTracked(next)) {
      transition ??= newTransition(ring.count, rules.nowTick);
      if (!isTracked(slot)) {
        transition.tracked++;
        transition.since[i] = tickMark(rules.nowTick);
      } else if (fallbackOf(next) !== fallbackOf(slot)) {
        transition.since[i] = 0;
      }
      transition.changedTick = rules.nowTick;
    }
    ring.slots.store(ring.first + i, next);
    written++;
  }
  return { transition, written };
}

function nextSlot(slot: number, wanted: RealIndex, since: number, rules: TransitionRules): number {
  const current = currentOf(slot);
  if (!isTracked(slot)) return rules.isServing(current) ? trackedSlot(wanted, current) : wanted;
  const fallback = fallbackOf(slot);
  const needed = rules.isServing(fallback) && windowOpen(since, rules);
  return trackedSlot(wanted, needed ? fallback : wanted);
}

/**
 * Ends the transitions that can end. `foreign[i]` says that a live flow of slot i is remembered on a real other than the current
 * one. A ring written in the tick in which the sweep began, or later, waits for the next sweep: a packet that read a slot before
 * may still be remembering its flow.
 * @returns the number of slots written
 */
export function settleRing(
  ring: RingRange,
  transition: Transition,
  foreign: Uint8Array,
  rules: TransitionRules,
): number {
  const quiet = ((rules.nowTick - transition.changedTick) | 0) > 0;
  let written = 0;
  for (let i = 0; i < ring.count; i++) {
    const slot = ring.slots.words[ring.first + i] as number;
    if (!isTracked(slot)) continue;
    const current = currentOf(slot);
    const fallback = fallbackOf(slot);
    if (fallback !== current) {
      if (windowOpen(transition.since[i] as number, rules) && rules.isServing(fallback)) continue;
      ring.slots.store(ring.first + i, trackedSlot(current, current));
      transition.since[i] = 0;
      transition.changedTick = rules.nowTick;
    } else {
      if (!quiet || foreign[i]) continue;
      ring.slots.store(ring.first + i, current);
      transition.since[i] = 0;
      transition.tracked--;
    }
    written++;
  }
  return written;
}

/**
 * Copies a ring into a range of another size before anything names it: a larger one, or a smaller one when all of it is stable.
 */
export function copyRing(
  from: RingRange,
  to: RingRange,
  before: Transition | undefined,
): Transition | undefined {
  const grown = shiftBetween(to.count, Math.min(from.count, to.count));
  const shrunk = shiftBetween(from.count, Math.min(from.count, to.count));
  const transition = before && {
    ...before,
    since: new Uint32Array(to.count),
    tracked: before.tracked << grown,
  };
  for (let i = 0; i < to.count; i++) {
    const source = (i >>> grown) << shrunk;
    to.slots.store(to.first + i, from.slots.words[from.first + source] as number);
    if (transition) transition.since[i] = before.since[source] as number;
  }
  return transition;
}

function windowOpen(since: number, rules: TransitionRules): boolean {
  return windowLeft(since, rules) > 0;
}

/** Returns the ticks until every flow of the stable time is remembered or over. */
export function windowLeft(
  since: number,
  { nowTick, windowTicks }: Pick<TransitionRules, 'nowTick' | 'windowTicks'>,
): number {
  return since === 0 ? 0 : Math.max(0, windowTicks - ((nowTick - since) | 0));
}

function tickMark(tick: number): number {
  return tick >>> 0 || 1;
}

/** Returns log2 of the ratio of two powers of two. */
function shiftBetween(larger: number, smaller: number): number {
  return Math.clz32(smaller) - Math.clz32(larger);
}
