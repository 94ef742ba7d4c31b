// The scheduler dh: destination hashing.
import { isEligible } from '../parts/eligible.ts';
import { HashTable } from '../parts/hash-table.ts';
import type { Candidate, Choice, ScheduleRequest, Scheduler } from '../scheduler.ts';

/** Destination hashing: the real that the virtual address is assigned to, or none while that real is not eligible. */
export class DestinationHashing implements Scheduler {
  readonly #table = new HashTable(() => 1);

  choose(candidates: readonly Candidate[], { vip }: ScheduleRequest): Choice | undefined {
    for (const position of this.#table.positionsFor(candidates, vip, 0)) {
      return isEligible(candidates[position] as Candidate) ? { position } : undefined;
    }
    return undefined;
  }
}
