// The scheduler rr: round robin.
import type { IpAddress } from '../../net/address/ip-address.ts';
import { isEligible } from './parts/eligible.ts';
import type { Candidate, Choice, Scheduler } from './scheduler.ts';

/** Round robin: one real after another in the order of configuration, regardless of weight. */
export class RoundRobin implements Scheduler {
  #last: IpAddress | undefined;
  /** The position of `#last`: if that real is gone, its successor is next. */
  #lastPosition = -1;

  choose(candidates: readonly Candidate[]): Choice | undefined {
    const count = candidates.length;
    const first = this.#following(candidates);
    for (let step = 0; step < count; step++) {
      const position = (first + step) % count;
      const candidate = candidates[position] as Candidate;
      if (!isEligible(candidate)) continue;
      return { position, commit: () => this.#remember(candidate.address, position) };
    }
    return undefined;
  }

  #following(candidates: readonly Candidate[]): number {
    const last = this.#last;
    if (last === undefined) return 0;
    if (candidates[this.#lastPosition]?.address === last) return this.#lastPosition + 1;
    const moved = candidates.findIndex(({ address }) => address === last);
    return moved >= 0 ? moved + 1 : this.#lastPosition;
  }

  #remember(address: IpAddress, position: number): void {
    this.#last = address;
    this.#lastPosition = position;
  }
}
