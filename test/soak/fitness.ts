/** Milliseconds of the wall clock. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** When each real could not serve, by the clock of this process: what breaks then is nobody's fault but the upheaval's. */
export class Fitness {
  readonly #unfit = new Map<string, Interval[]>();

  /** From now on the real cannot serve, until the function returned is called. */
  begin(real: string): () => void {
    const interval = { from: Date.now(), to: Number.POSITIVE_INFINITY };
    this.note(real, interval);
    return () => {
      interval.to = Date.now();
    };
  }

  /** The real could not serve in this time. */
  note(real: string, time: Interval): void {
    this.#unfit.set(real, [...(this.#unfit.get(real) ?? []), time]);
  }

  /** Whether it was unfit at any moment of this time, or in the `graceMs` before it: so long may the client take to notice. */
  explains(real: string | undefined, time: Interval, graceMs: number): boolean {
    return [...this.#unfit].some(
      ([name, intervals]) =>
        (real === undefined || name === real) &&
        intervals.some(({ from, to }) => from <= time.to && to >= time.from - graceMs),
    );
  }
}
