import { isEligible } from './eligible.ts';
import type { Scheduler } from './scheduler.ts';
import { shortestDelay } from './sed.ts';
import { stateless } from './stateless.ts';

/** Never queue: a real without active flows, of several that listed last; if there is none, as `sed`. */
export const neverQueue: Scheduler = stateless((candidates) => {
  const idle = candidates.findLastIndex((candidate) => candidate.active === 0 && isEligible(candidate));
  return idle >= 0 ? idle : shortestDelay(candidates);
});
