import { isEligible } from './eligible.ts';
import { heaviest } from './heaviest.ts';
import type { Scheduler } from './scheduler.ts';
import { stateless } from './stateless.ts';

/** Overflow: the real of the greatest weight that has not more active flows than its weight. */
export const overflow: Scheduler = stateless((candidates) =>
  heaviest(candidates, (candidate) => isEligible(candidate) && candidate.active <= candidate.weight),
);
