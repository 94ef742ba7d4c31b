// The scheduler lblc: locality-based least connection.
import type { IpAddress } from '../../net/address/ip-address.ts';
import { AddressCache } from './parts/address-cache.ts';
import { isEligible } from './parts/eligible.ts';
import { BY_FLOWS_AND_WEIGHT, leastLoaded } from './parts/real-load.ts';
import type { Candidate, Choice, ScheduleRequest, Scheduler } from './scheduler.ts';

/**
 * Locality-based least connection: a virtual address stays with its real until that is not eligible, or has more active flows
 * than its weight while another is at less than half of its own; then `wlc` chooses.
 */
export class LocalityBased implements Scheduler {
  readonly #cache = new AddressCache<IpAddress>();

  choose(candidates: readonly Candidate[], { vip, nowMs }: ScheduleRequest): Choice | undefined {
    const cached = this.#cache.get(vip, nowMs);
    const kept = candidates.findIndex((candidate) => candidate.address === cached && isEligible(candidate));
    const position =
      kept >= 0 && !isPressed(candidates[kept] as Candidate, candidates)
        ? kept
        : leastLoaded(candidates, BY_FLOWS_AND_WEIGHT);
    if (position === undefined) return undefined;
    const { address } = candidates[position] as Candidate;
    return { position, commit: () => this.#cache.set(vip, address, nowMs) };
  }
}

/** Returns true for a real that has more active flows than its weight while another one is at less than half of its own. */
export function isPressed({ active, weight }: Candidate, candidates: readonly Candidate[]): boolean {
  return active > weight && candidates.some((other) => other.active * 2 < other.weight);
}
