import type { LabEnvironment, RequestResult } from './environment.ts';

export interface TrafficSummary {
  readonly requests: number;
  readonly failed: number;
  readonly byReal: Readonly<Record<string, number>>;
}

/** The client's requests, kept so that any stretch of time can be summed up. */
export class Traffic {
  readonly #results: RequestResult[] = [];
  readonly #abort = new AbortController();

  constructor(environment: LabEnvironment) {
    environment.request((result) => this.#results.push(result), this.#abort.signal);
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
