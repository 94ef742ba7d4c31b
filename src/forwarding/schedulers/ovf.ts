// The scheduler ovf: overflow connection.
import { isEligible } from './parts/eligible.ts';
import { heaviest } from './parts/heaviest.ts';
import { stateless } from './parts/stateless.ts';
import type { Scheduler } from './scheduler.ts';

/** Overflow: the real of the greatest weight among those whose active flows do not exceed their weight. */
export const overflow: Scheduler = stateless((candidates) =>
  heaviest(candidates, (candidate) => isEligible(candidate) && candidate.active <= candidate.weight),
);
