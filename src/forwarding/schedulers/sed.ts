// The scheduler sed: shortest expected delay.
import { BY_EXPECTED_DELAY, leastLoaded } from './parts/real-load.ts';
import { stateless } from './parts/stateless.ts';
import type { Candidate, Scheduler } from './scheduler.ts';

/** Shortest expected delay: the real that has the fewest active flows for its weight, the new one included. */
export const shortestExpectedDelay: Scheduler = stateless(shortestDelay);

export function shortestDelay(candidates: readonly Candidate[]): number | undefined {
  return leastLoaded(candidates, BY_EXPECTED_DELAY);
}
