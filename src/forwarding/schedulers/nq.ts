// nq: never queue.
import { isEligible } from './parts/eligible.ts';
import { stateless } from './parts/stateless.ts';
import type { Scheduler } from './scheduler.ts';
import { shortestDelay } from './sed.ts';

/** Never queue: a real without active flows, of several that listed last; if there is none, as `sed`. */
export const neverQueue: Scheduler = stateless((candidates) => {
  const idle = candidates.findLastIndex((candidate) => candidate.active === 0 && isEligible(candidate));
  return idle >= 0 ? idle : shortestDelay(candidates);
});
