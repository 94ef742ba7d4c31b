// The traffic of the lab's client, and what became of it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabEnvironment, RequestResult } from './environment.ts';

/** The client's program takes some seconds to start on an emulated CPU. */
const START_PATIENCE_MS = 60_000;

export interface TrafficSummary {
  readonly requests: number;
  readonly failed: number;
  readonly byReal: Readonly<Record<string, number>>;
}

/** The client's requests, kept so that any stretch of time can be summed up. */
export class Traffic {
  readonly #results: RequestResult[] = [];
  readonly #begun = Promise.withResolvers<void>();
  readonly #abort = new AbortController();

  constructor(environment: LabEnvironment) {
    environment.request((result) => {
      this.#results.push(result);
      this.#begun.resolve();
    }, this.#abort.signal);
  }

  /** Waits until the first request has ended, for a limited time. */
  async begun(signal: AbortSignal): Promise<void> {
    const settled = new AbortController();
    const patience = sleep(START_PATIENCE_MS, undefined, {
      signal: AbortSignal.any([signal, settled.signal]),
    });
    try {
      await Promise.race([this.#begun.promise, patience]);
    } finally {
      patience.catch(() => undefined);
      settled.abort();
    }
  }

  stop(): void {
    this.#abort.abort();
  }

  get last(): RequestResult | undefined {
    return this.#results.at(-1);
  }

  /** Sums up the requests that began in this stretch of the wall clock, in milliseconds. */
  between(from = 0, to: number = Number.POSITIVE_INFINITY): TrafficSummary {
    const chosen = this.#results.filter(({ startedAt }) => startedAt >= from && startedAt < to);
    const byReal: Record<string, number> = {};
    for (const { real } of chosen) if (real !== undefined) byReal[real] = (byReal[real] ?? 0) + 1;
    return {
      requests: chosen.length,
      failed: chosen.filter(({ real }) => real === undefined).length,
      byReal,
    };
  }
}
