// Applies tables to the plane, one at a time, and repeats what failed.
import type { DataPlane } from '../dataplane/data-plane.ts';
import type { ForwardingTable } from '../forwarding/forwarding-table.ts';
import type { EventLog } from './event-log.ts';
import { messageOf } from './event-words.ts';
import { Coalesced, Serial } from './serial.ts';

/** Computes a table; what is as in `previous`, the one that the plane holds, is the same object. */
export type Compute = (previous: ForwardingTable | undefined) => ForwardingTable;

export interface ReconcilerOptions {
  readonly plane: DataPlane;
  readonly events: EventLog;
  /** Ends the repetition of what failed. */
  readonly signal: AbortSignal;
}

const RETRY_MS = 1000;

/** The one way to the plane: applies one table at a time, and of several changes that come meanwhile only their sum. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #serial = new Serial();
  readonly #next: Coalesced;
  #applied: ForwardingTable | undefined;
  #retry: NodeJS.Timeout | undefined;

  /** @param compute The table as it ought to be when it is called. */
  constructor(options: ReconcilerOptions, compute: Compute) {
    this.#options = options;
    options.signal.addEventListener('abort', () => clearTimeout(this.#retry), { once: true });
    this.#next = new Coalesced(this.#serial, () => this.#apply(compute));
  }

  /** Brings the plane to the table of now. @throws what the plane's `apply` throws. */
  request(): Promise<void> {
    return this.#next.request();
  }

  /** Requests changes that nobody waits for: a failure is reported, and the change tried again. */
  follow(): void {
    const { events, signal } = this.#options;
    this.request().catch((error: unknown) => {
      if (signal.aborted) return;
      events.add('error', 'apply-failed', `the data plane refused a change: ${messageOf(error)}`);
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.follow(), RETRY_MS);
    });
  }

  /**
   * Applies a table that is not yet the one of now, and makes it so by `commit`, before any other table is computed;
   * if the plane refuses, `commit` is not called.
   */
  replace(compute: Compute, commit: () => void): Promise<void> {
    return this.#serial.run(async () => {
      await this.#apply(compute);
      commit();
    });
  }

  /** Resolves when all that was asked for so far has been done. */
  idle(): Promise<void> {
    return this.#serial.run(() => Promise.resolve());
  }

  async #apply(compute: Compute): Promise<void> {
    const table = compute(this.#applied);
    if (table === this.#applied) return;
    // Until the plane has taken the table its content is unknown: the next table is then applied in any case.
    this.#applied = undefined;
    await this.#options.plane.apply(table);
    this.#applied = table;
  }
}
