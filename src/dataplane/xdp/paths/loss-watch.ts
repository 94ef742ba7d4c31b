/** What has been lost on a way out lately, by the adapter's own counters. */
export interface Loss {
  /** Frames that the driver could not send since the last look. */
  readonly frames: number;
  /** Frames that the fast path gave it in the same time; undefined while that is not known. */
  readonly sent: number | undefined;
}

/** Running totals of one way out. */
export interface WayCounters {
  /** Undefined where the driver does not count what it could not send. */
  errors(): number | undefined;
  /** What the fast path has given it; asked for only while errors rise. */
  sent(): number;
}

/** A moment's congestion loses some frames; a way out that does not work loses all but a few. */
const LOST_SHARE = 0.9;
const LEAST_FRAMES = 10;

/** Follows the error counters of one way out. */
export class LossWatch {
  readonly #counters: WayCounters;
  #errors: number | undefined;
  #sent: number | undefined;

  constructor(counters: WayCounters) {
    this.#counters = counters;
    this.#errors = counters.errors();
  }

  /** The loss since the last look; undefined when there is none. */
  look(): Loss | undefined {
    const before = { errors: this.#errors, sent: this.#sent };
    this.#errors = this.#counters.errors();
    this.#sent = undefined;
    if (this.#errors === undefined || before.errors === undefined) return undefined;
    const frames = this.#errors - before.errors;
    if (frames <= 0) return undefined;
    this.#sent = this.#counters.sent();
    return { frames, sent: before.sent === undefined ? undefined : this.#sent - before.sent };
  }
}

/** Whether next to nothing of what was sent has left. */
export function isTotal({ frames, sent }: Loss): boolean {
  return sent !== undefined && frames >= LEAST_FRAMES && frames >= LOST_SHARE * sent;
}
