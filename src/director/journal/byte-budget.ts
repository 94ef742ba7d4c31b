// A budget of bytes over time: a burst at once, and a steady rate after it.

/** A budget of bytes that fills up at a steady rate. It may go into debt by one spending. Times are milliseconds of any clock. */
export class ByteBudget {
  readonly #burst: number;
  readonly #perMs: number;
  #left: number;
  #atMs: number;

  constructor({ burst, perHour }: { readonly burst: number; readonly perHour: number }, nowMs: number) {
    this.#burst = burst;
    this.#perMs = perHour / 3_600_000;
    this.#left = burst;
    this.#atMs = nowMs;
  }

  spend(bytes: number): void {
    this.#left -= bytes;
  }

  /** Returns true if more than this part of the burst is left. */
  has(part: number, nowMs: number): boolean {
    // A clock that is set back adds nothing.
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#left = Math.min(this.#burst, this.#left + passedMs * this.#perMs);
    this.#atMs = nowMs;
    return this.#left > part * this.#burst;
  }
}
