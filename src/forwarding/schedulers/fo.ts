// The scheduler fo: weighted failover.
import { isEligible } from './parts/eligible.ts';
import { heaviest } from './parts/heaviest.ts';
import { stateless } from './parts/stateless.ts';
import type { Scheduler } from './scheduler.ts';

/** Weighted failover: all flows go to the real of the greatest weight. */
export const failover: Scheduler = stateless((candidates) => heaviest(candidates, isEligible));
