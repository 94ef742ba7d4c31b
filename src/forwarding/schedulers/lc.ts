// The scheduler lc: least connection.
import { BY_FLOWS, leastLoaded } from './parts/real-load.ts';
import { stateless } from './parts/stateless.ts';
import type { Scheduler } from './scheduler.ts';

/** Least connection: the real with the fewest flows, regardless of weight. */
export const leastConnection: Scheduler = stateless((candidates) => leastLoaded(candidates, BY_FLOWS));
