// Notices when the real servers of a service have changed.
import type { IpAddress } from '../../../net/address/ip-address.ts';
import type { Candidate } from '../scheduler.ts';

/** The candidates as they were when they were last looked at, for what is computed from all of them. */
export class KnownReals {
  #addresses: readonly IpAddress[] = [];
  #weights: readonly number[] = [];

  /** True if a real has come or gone or has another weight or place since the last time, and at the first. */
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
