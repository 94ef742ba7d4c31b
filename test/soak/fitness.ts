/** When each real could not serve, by the clock of this process: what breaks then is nobody's fault but the upheaval's. */
export class Fitness {
  readonly #unfit = new Map<string, { readonly from: number; to: number }[]>();

  /** From now on the real cannot serve, until the function returned is called. */
  begin(real: string): () => void {
    const interval = { from: Date.now(), to: Number.POSITIVE_INFINITY };
    const intervals = this.#unfit.get(real) ?? [];
    this.#unfit.set(real, [...intervals, interval]);
    return () => {
      interval.to = Date.now();
    };
  }

  /** Whether it was unfit at any moment from `graceMs` before `at` on: so long may the client take to notice. */
  explains(real: string | undefined, at: number, graceMs: number): boolean {
    return [...this.#unfit].some(
      ([name, intervals]) =>
        (real === undefined || name === real) &&
        intervals.some(({ from, to }) => from <= at && to >= at - graceMs),
    );
  }
}
