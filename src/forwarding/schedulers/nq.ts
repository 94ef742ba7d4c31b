// The scheduler nq: never queue.
import { isEligible } from './parts/eligible.ts';
import { stateless } from './parts/stateless.ts';
import type { Scheduler } from './scheduler.ts';
import { shortestDelay } from './sed.ts';

/** Never queue: a real without active flows, the last listed of several; if there is none, the choice of `sed`. */
export const neverQueue: Scheduler = stateless((candidates) => {
  const idle = candidates.findLastIndex((candidate) => candidate.active === 0 && isEligible(candidate));
  return idle >= 0 ? idle : shortestDelay(candidates);
});
