// Detects changes of a scheduler's candidates.
import type { IpAddress } from '../../../net/address/ip-address.ts';
import type { Candidate } from '../scheduler.ts';

/** The candidates as of the last look, for results that are computed from all of them. */
export class KnownReals {
  #addresses: readonly IpAddress[] = [];
  #weights: readonly number[] = [];

  /** Returns true if a real has come, gone or changed its weight or position since the last call, and on the first call. */
  haveChanged(candidates: readonly Candidate[]): boolean {
    const [addresses, weights] = [this.#addresses, this.#weights];
    let same = candidates.length === addresses.length;
    for (let i = 0; same && i < candidates.length; i++) {
      const { address, weight } = candidates[i] as Candidate;
      same = address === addresses[i] && weight === weights[i];
    }
    if (same) return false;
    this.#addresses = candidates.map(({ address }) => address);
    this.#weights = candidates.map(({ weight }) => weight);
    return true;
  }
}
