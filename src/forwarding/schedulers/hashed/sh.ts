// The scheduler sh: source hashing.
import type { SchedulerFlag } from '../../forwarding-table.ts';
import { isEligible } from '../parts/eligible.ts';
import { HashTable } from '../parts/hash-table.ts';
import type { Candidate, Choice, ScheduleRequest, Scheduler } from '../scheduler.ts';

/**
 * Source hashing: the real that the client's address is assigned to; with `sh-port` its address and port. While that real is not
 * eligible there is none; with `sh-fallback` another one. A real of weight 0 keeps its places, as in IPVS, so that its clients do
 * not move.
 */
export class SourceHashing implements Scheduler {
  readonly #table = new HashTable(({ weight }) => Math.max(1, weight));
  readonly #hashesPort: boolean;
  readonly #fallsBack: boolean;

  constructor(flags: readonly SchedulerFlag[] = []) {
    this.#hashesPort = flags.includes('sh-port');
    this.#fallsBack = flags.includes('sh-fallback');
  }

  choose(candidates: readonly Candidate[], request: ScheduleRequest): Choice | undefined {
    const port = this.#hashesPort ? request.clientPort : 0;
    for (const position of this.#table.positionsFor(candidates, request.client, port)) {
      if (isEligible(candidates[position] as Candidate)) return { position };
      if (!this.#fallsBack) return undefined;
    }
    return undefined;
  }
}
