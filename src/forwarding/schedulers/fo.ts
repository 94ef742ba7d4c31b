import { isEligible } from './eligible.ts';
import { heaviest } from './heaviest.ts';
import type { Scheduler } from './scheduler.ts';
import { stateless } from './stateless.ts';

/** Weighted failover: everything to the real of the greatest weight. */
export const failover: Scheduler = stateless((candidates) => heaviest(candidates, isEligible));
