// Runs tasks one at a time, and several requests of one kind as one.
import { setImmediate } from 'node:timers/promises';

/** Runs tasks one at a time, in the order in which they came. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  run<Result>(task: () => Promise<Result>): Promise<Result> {
    // The caller handles a failure; the next task runs all the same.
    const result = this.#last.then(task, task);
    this.#last = result;
    return result;
  }
}

/**
 * A task that is asked for more often than it needs to run: requests that come while it waits for its turn share the
 * next run, so that each request is followed by a run that began after it. A run begins behind what the event loop has at
 * hand: what a thousand checks have found at once would otherwise be a thousand runs.
 */
export class Coalesced {
  readonly #serial: Serial;
  readonly #task: () => Promise<void>;
  #waiting: Promise<void> | undefined;

  constructor(serial: Serial, task: () => Promise<void>) {
    this.#serial = serial;
    this.#task = task;
  }

  /** Settles with the run that serves this request. */
  request(): Promise<void> {
    this.#waiting ??= this.#serial.run(async () => {
      await setImmediate();
      this.#waiting = undefined;
      return this.#task();
    });
    return this.#waiting;
  }
}
