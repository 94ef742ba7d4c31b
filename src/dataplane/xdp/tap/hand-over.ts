// The budget of packets that the fast path hands over, by kind and by service.
import { fairLevel } from '../../../forwarding/fair-level.ts';
import { HAND_OVER, RARITY, SHARES, SPENDING, TICK_MS } from '../../../forwarding/image/tables/layout.ts';

/** Packets that the slow path is handed in one epoch, by `RARITY`. */
export type HandOverBudget = Readonly<Record<keyof typeof RARITY, number>>;

const SPENDING_WORDS = SPENDING.size / 4;

/**
 * Map `hand_over` of `bpf/layout.h`. Renews the budget once the slow path has read everything it was handed, so that no queue
 * between them ever overflows, and divides it among services.
 */
export class HandOver {
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #budget: HandOverBudget;
  #renewedMs = Number.NEGATIVE_INFINITY;

  constructor(memory: ArrayBuffer, budget: HandOverBudget) {
    this.#words = new Uint32Array(memory, 0, HAND_OVER.size / 4);
    this.#budget = budget;
    for (const [name, rarity] of Object.entries(RARITY)) {
      this.#setLevel(rarity, budget[name as keyof typeof RARITY]);
    }
  }

  /** Sets the index of the TAP device that answers to checks are redirected to. */
  setAnswersIfIndex(ifIndex: number): void {
    Atomics.store(this.#words, HAND_OVER.answersIfIndex / 4, ifIndex);
  }

  /** Must be called when the queue was found empty. @param nowMs time by a monotonic clock */
  drained(nowMs: number): void {
    if (nowMs - this.#renewedMs < TICK_MS) return;
    this.#renewedMs = nowMs;
    for (const [name, rarity] of Object.entries(RARITY)) {
      this.#share(rarity, this.#budget[name as keyof typeof RARITY]);
    }
    Atomics.add(this.#words, HAND_OVER.epoch / 4, 1);
  }

  /** Looks at single services only when all together asked for too much, or did so until now. */
  #share(rarity: number, budget: number): void {
    const total = this.#spent(HAND_OVER.total / 4 + rarity * SPENDING_WORDS);
    const level = this.#words[HAND_OVER.level / 4 + rarity] as number;
    if (total < budget && level >= budget) return;
    const first = HAND_OVER.shares / 4 + rarity * SHARES * SPENDING_WORDS;
    const asked: number[] = [];
    for (let share = 0; share < SHARES; share++) {
      const packets = this.#spent(first + share * SPENDING_WORDS);
      if (packets > 0) asked.push(packets);
    }
    this.#setLevel(rarity, fairLevel(asked, budget));
  }

  /** Returns the packets of a share in this epoch. */
  #spent(at: number): number {
    const epoch = this.#words[HAND_OVER.epoch / 4];
    return this.#words[at] === epoch ? (this.#words[at + 1] as number) : 0;
  }

  #setLevel(rarity: number, packets: number): void {
    Atomics.store(this.#words, HAND_OVER.level / 4 + rarity, packets);
  }
}
