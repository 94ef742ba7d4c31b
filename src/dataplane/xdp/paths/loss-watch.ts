// Detects losses on a way out by the adapter's error counters.

/** The recent loss on a way out, by the adapter's own counters. */
export interface Loss {
  /** Frames that the driver could not send since the last look. */
  readonly frames: number;
  /** Frames that the fast path gave it in the same time; undefined while that is not known. */
  readonly sent: number | undefined;
}

/** Running totals of one way out. */
export interface WayCounters {
  /** Returns the driver's count of frames it could not send; undefined where the driver has no such count. */
  errors(): number | undefined;
  /** Returns the number of frames that the fast path gave to it; called only while errors rise. */
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

/** Returns true if nearly nothing of what was sent has left. */
export function isTotal({ frames, sent }: Loss): boolean {
  return sent !== undefined && frames >= LEAST_FRAMES && frames >= LOST_SHARE * sent;
}
