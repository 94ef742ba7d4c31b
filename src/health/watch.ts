/** A check that hears of changes as they happen, instead of attempts. */
export interface Watch {
  /**
   * Goes on until the signal aborts. `report` is told why it is down, undefined for up: as soon as it is known, which may
   * be at once, and at each change.
   */
  watch(signal: AbortSignal, report: (error: string | undefined) => void): void;
}
