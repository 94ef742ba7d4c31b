// mh: Maglev hashing in the slow path.
import { isEligible } from './parts/eligible.ts';
import type { Candidate, Choice, ScheduleRequest, Scheduler } from './scheduler.ts';

/** Positions of the candidates in the order in which a client comes to them on a ring, its own first; repetitions do not matter. */
export type RingWalk = (candidates: readonly Candidate[], request: ScheduleRequest) => Iterable<number>;

/** Maglev hashing for a service that remembers its flows all the same: the ring's choice, passing over reals that are full. */
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
