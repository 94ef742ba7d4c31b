// The scheduler wrr: weighted round robin.
import type { IpAddress } from '../../net/address/ip-address.ts';
import { greatestCommonDivisor } from '../image/slots/rotation.ts';
import { isEligible } from './parts/eligible.ts';
import { KnownReals } from './parts/known-reals.ts';
import type { Candidate, Choice, Scheduler } from './scheduler.ts';

/** The position in the rotation: within a pass, the reals whose weight is above `level` have a turn, the last listed first. */
interface Turn {
  readonly level: number;
  /** The real that had the latest turn of the pass; undefined when the pass has just begun. */
  readonly last: IpAddress | undefined;
}

/**
 * Weighted round robin, in the order of `weightedRotation`, with reals that may be overloaded. From pass to pass the level goes
 * down by the common divisor of the weights, and from 0 back to the top. A change of the reals starts the pass again at its
 * present level.
 */
export class WeightedRoundRobin implements Scheduler {
  readonly #known = new KnownReals();
  #divisor = 1;
  /** The level of the first pass of a round; below 0 if no real has a weight. */
  #top = -1;
  #turn: Turn = { level: -1, last: undefined };

  choose(candidates: readonly Candidate[]): Choice | undefined {
    if (this.#known.haveChanged(candidates)) this.#restart(candidates);
    const greatest = candidates.reduce((most, c) => (isEligible(c) ? Math.max(most, c.weight) : most), 0);
    if (greatest === 0) return undefined;
    const { level, last } = this.#turn;
    const rest = this.#nextInPass(candidates, level, positionBefore(candidates, last));
    return rest ?? this.#nextInPass(candidates, this.#levelBelow(level, greatest), candidates.length - 1);
  }

  #restart(candidates: readonly Candidate[]): void {
    const divisor = candidates.reduce((common, { weight }) => greatestCommonDivisor(common, weight), 0) || 1;
    const greatest = candidates.reduce((most, { weight }) => Math.max(most, weight), 0);
    const { level } = this.#turn;
    this.#divisor = divisor;
    this.#top = greatest - divisor;
    const within = level >= 0 && level <= this.#top;
    // The kernel keeps level + 1 and rounds that.
    const kept = divisor === 1 ? level : Math.floor((level + 1) / divisor) * divisor;
    this.#turn = { level: within ? kept : this.#top, last: undefined };
  }

  #nextInPass(candidates: readonly Candidate[], level: number, from: number): Choice | undefined {
    for (let position = from; position >= 0; position--) {
      const candidate = candidates[position] as Candidate;
      if (candidate.weight <= level || !isEligible(candidate)) continue;
      const turn = { level, last: candidate.address };
      return {
        position,
        commit: () => {
          this.#turn = turn;
        },
      };
    }
    return undefined;
  }

  /** Returns the next level, skipping passes in which no real would have a turn. */
  #levelBelow(level: number, greatest: number): number {
    const below = level - this.#divisor;
    return Math.min(below < 0 ? this.#top : below, greatest - this.#divisor);
  }
}

function positionBefore(candidates: readonly Candidate[], last: IpAddress | undefined): number {
  return last === undefined
    ? candidates.length - 1
    : candidates.findIndex(({ address }) => address === last) - 1;
}
