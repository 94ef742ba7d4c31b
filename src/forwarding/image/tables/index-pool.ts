// Gives indices, and takes them back after a while.
import { REUSE_DELAY_TICKS } from './layout.ts';

/**
 * Indices 1..limit-1, lowest first. One that was released is given out again only after REUSE_DELAY_TICKS, when no packet
 * that was under way with it can still be.
 */
export class IndexPool {
  readonly #free: number[] = [];
  readonly #released: { readonly index: number; readonly tick: number }[] = [];

  constructor(limit: number, isUsed: (index: number) => boolean) {
    for (let index = limit - 1; index > 0; index--) {
      if (!isUsed(index)) this.#free.push(index);
    }
  }

  /** How many can be taken at that time. */
  available(nowTick: number): number {
    for (let oldest = this.#released[0]; oldest; oldest = this.#released[0]) {
      if (nowTick - oldest.tick < REUSE_DELAY_TICKS) break;
      this.#released.shift();
      this.#free.push(oldest.index);
    }
    return this.#free.length;
  }

  /** @throws RangeError when none is left; see `available`. */
  take(): number {
    const index = this.#free.pop();
    if (index === undefined) throw new RangeError('all indices are in use');
    return index;
  }

  release(index: number, nowTick: number): void {
    this.#released.push({ index, tick: nowTick });
  }
}
