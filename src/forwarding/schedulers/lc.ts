import { BY_FLOWS, leastLoaded } from './load.ts';
import type { Scheduler } from './scheduler.ts';
import { stateless } from './stateless.ts';

/** Least connection: the real with the fewest flows, whatever its weight. */
export const leastConnection: Scheduler = stateless((candidates) => leastLoaded(candidates, BY_FLOWS));
