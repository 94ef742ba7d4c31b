// The scheduler mh: Maglev hashing for services that remember their flows.
import { isEligible } from '../parts/eligible.ts';
import type { Candidate, Choice, ScheduleRequest, Scheduler } from '../scheduler.ts';

/** Yields positions of candidates in the order in which a client meets them on a ring, its own first; they may repeat. */
export type RingWalk = (candidates: readonly Candidate[], request: ScheduleRequest) => Iterable<number>;

/** Maglev hashing for a service that also remembers its flows: the ring's choice, skipping reals that are full. */
export class MaglevHashing implements Scheduler {
  readonly #walk: RingWalk;

  constructor(walk: RingWalk) {
    this.#walk = walk;
  }

  choose(candidates: readonly Candidate[], request: ScheduleRequest): Choice | undefined {
    if (!candidates.some(isEligible)) return undefined;
    for (const position of this.#walk(candidates, request)) {
      const candidate = candidates[position];
      if (candidate !== undefined && isEligible(candidate)) return { position };
    }
    return undefined;
  }
}
