// The clock of the simulated network: timers that run in their order.
import { EventQueue, type TimedEvent } from './event-queue.ts';

export interface Timer {
  cancel(): void;
}

/** Returns the time between events, in milliseconds that never go back. */
export type TimeSource = () => number;

/**
 * The time of a simulated network and what is due in it. Tests move it with `advance` or `settle`; `driveInRealTime`
 * moves it with the clock. Actions run to their end one after another, in the order of their times.
 */
export class EventLoop {
  readonly #queue = new EventQueue();
  #nowMs = 0;
  #order = 0;
  #source: TimeSource | undefined;
  #onScheduled: (() => void) | undefined;

  get nowMs(): number {
    return this.#source === undefined ? this.#nowMs : Math.max(this.#nowMs, this.#source());
  }

  /** The time at which the next action is due. */
  get nextAtMs(): number | undefined {
    return this.#queue.peek()?.atMs;
  }

  schedule(delayMs: number, action: () => void): Timer {
    const event: TimedEvent = {
      atMs: this.nowMs + delayMs,
      order: this.#order++,
      action,
      cancelled: false,
    };
    this.#queue.push(event);
    this.#onScheduled?.();
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  /** Runs everything that is due in the next `ms`, and sets the time to their end. */
  advance(ms: number): void {
    this.advanceTo(this.#nowMs + ms);
  }

  advanceTo(untilMs: number): void {
    for (
      let next = this.#queue.peek();
      next !== undefined && next.atMs <= untilMs;
      next = this.#queue.peek()
    ) {
      this.#queue.pop();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.action();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Sets or removes a driver: `source` is the time between events, `onScheduled` is called when there is something new to do. */
  drive(source: TimeSource | undefined, onScheduled: (() => void) | undefined): void {
    this.#nowMs = this.nowMs;
    this.#source = source;
    this.#onScheduled = onScheduled;
  }
}

/** Longest stretch of simulated time between two looks at the promise. */
const SETTLE_STEP_MS = 1;

/**
 * Moves the time until the promise settles, and returns its value.
 * @throws Error if it has not settled after `limitMs` of simulated time
 */
export async function settle<T>(loop: EventLoop, promise: Promise<T>, limitMs: number): Promise<T> {
  const deadlineMs = loop.nowMs + limitMs;
  let settled = false;
  const done = (): void => {
    settled = true;
  };
  promise.then(done, done);
  while (true) {
    // Everything that waits on promises gets its turn before the time moves on, so that runs are repeatable.
    await new Promise((resolve) => setImmediate(resolve));
    if (settled) return promise;
    if (loop.nowMs >= deadlineMs) throw new Error(`nothing after ${limitMs} ms of simulated time`);
    const next = Math.min(loop.nextAtMs ?? deadlineMs, deadlineMs);
    loop.advanceTo(Math.min(deadlineMs, Math.max(next, loop.nowMs + SETTLE_STEP_MS)));
  }
}
