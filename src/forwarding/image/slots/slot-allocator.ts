// Allocates ranges of the slot array to services.
import { REUSE_DELAY_TICKS, SLOTS_PER_LINE } from '../tables/layout.ts';

interface Range {
  /** First slot and number of slots, in whole lines. */
  readonly first: number;
  readonly count: number;
}

/**
 * Gives out ranges of the `slots` map, in whole lines. A freed range is given out again only after REUSE_DELAY_TICKS, when no
 * packet that found it through a service can still read it.
 */
export class SlotAllocator {
  /** The free ranges sorted by `first`; no two are adjacent. */
  #free: Range[];
  #freed: { readonly range: Range; readonly tick: number }[] = [];

  constructor(slots: number) {
    this.#free = [{ first: 0, count: slots - (slots % SLOTS_PER_LINE) }];
  }

  /** Marks a range as taken that an earlier run allocated. */
  reserve(first: number, count: number): void {
    if (count === 0) return;
    const taken = lines(first, count);
    this.#free = this.#free.flatMap((range) => without(range, taken));
  }

  /** Returns the first slot of a new range; undefined when there is no room. */
  allocate(count: number, nowTick: number): number | undefined {
    this.#reclaim(nowTick);
    const wanted = lines(0, count).count;
    const at = this.#free.findIndex((range) => range.count >= wanted);
    const found = this.#free[at];
    if (!found) return undefined;
    const rest = without(found, { first: found.first, count: wanted });
    this.#free.splice(at, 1, ...rest);
    return found.first;
  }

  /** True if ranges wait for packets that may still read them. */
  get hasRetired(): boolean {
    return this.#freed.length > 0;
  }

  /** Gives back a range that packets may still be reading. */
  release(first: number, count: number, nowTick: number): void {
    if (count > 0) this.#freed.push({ range: lines(first, count), tick: nowTick });
  }

  /** Gives back a range that no service ever named. */
  cancel(first: number, count: number): void {
    if (count > 0) this.#insert(lines(first, count));
  }

  /** Returns the slots that a range for this number takes. */
  static rounded(count: number): number {
    return lines(0, count).count;
  }

  #reclaim(nowTick: number): void {
    const due = this.#freed.filter(({ tick }) => nowTick - tick >= REUSE_DELAY_TICKS);
    if (due.length === 0) return;
    this.#freed = this.#freed.filter(({ tick }) => nowTick - tick < REUSE_DELAY_TICKS);
    for (const { range } of due) this.#insert(range);
  }

  #insert(range: Range): void {
    const at = this.#free.findIndex(({ first }) => first > range.first);
    const position = at < 0 ? this.#free.length : at;
    const before = this.#free[position - 1];
    const after = this.#free[position];
    const joinsBefore = before !== undefined && before.first + before.count === range.first;
    const joinsAfter = after !== undefined && range.first + range.count === after.first;
    const first = joinsBefore ? before.first : range.first;
    const end = joinsAfter ? after.first + after.count : range.first + range.count;
    this.#free.splice(position - (joinsBefore ? 1 : 0), (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), {
      first,
      count: end - first,
    });
  }
}

function lines(first: number, count: number): Range {
  return { first, count: Math.ceil(count / SLOTS_PER_LINE) * SLOTS_PER_LINE };
}

/** Returns what is left of a range when `taken` is cut out of it. */
function without(range: Range, taken: Range): Range[] {
  const end = range.first + range.count;
  const takenEnd = taken.first + taken.count;
  if (takenEnd <= range.first || taken.first >= end) return [range];
  return [
    { first: range.first, count: taken.first - range.first },
    { first: takenEnd, count: end - takenEnd },
  ].filter(({ count }) => count > 0);
}
