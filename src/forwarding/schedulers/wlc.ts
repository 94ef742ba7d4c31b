// The scheduler wlc: weighted least connection.
import { BY_FLOWS_AND_WEIGHT, leastLoaded } from './parts/real-load.ts';
import { stateless } from './parts/stateless.ts';
import type { Scheduler } from './scheduler.ts';

/** Weighted least connection: the real with the fewest flows for its weight. */
export const weightedLeastConnection: Scheduler = stateless((candidates) =>
  leastLoaded(candidates, BY_FLOWS_AND_WEIGHT),
);
