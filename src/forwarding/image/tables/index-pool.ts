// A pool of indices that gives each one out again only after a delay.
import { REUSE_DELAY_TICKS } from './layout.ts';

/**
 * The indices 1..limit-1, lowest first. A released index is given out again only after REUSE_DELAY_TICKS, when no packet that
 * uses it can still be under way.
 */
export class IndexPool {
  readonly #free: number[] = [];
  readonly #released: { readonly index: number; readonly tick: number }[] = [];

  constructor(limit: number, isUsed: (index: number) => boolean) {
    for (let index = limit - 1; index > 0; index--) {
      if (!isUsed(index)) this.#free.push(index);
    }
  }

  /** Returns how many indices can be taken at that time. */
  available(nowTick: number): number {
    for (let oldest = this.#released[0]; oldest; oldest = this.#released[0]) {
      if (nowTick - oldest.tick < REUSE_DELAY_TICKS) break;
      this.#released.shift();
      this.#free.push(oldest.index);
    }
    return this.#free.length;
  }

  /** Takes the lowest free index. @throws RangeError when none is left; see `available` */
  take(): number {
    const index = this.#free.pop();
    if (index === undefined) throw new RangeError('all indices are in use');
    return index;
  }

  release(index: number, nowTick: number): void {
    this.#released.push({ index, tick: nowTick });
  }
}
