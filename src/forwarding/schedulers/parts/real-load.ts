// How the load of a real server is counted, and who has the least.
import type { Candidate } from '../scheduler.ts';
import { isEligible } from './eligible.ts';

/** How the load of a real is counted. Numbers instead of functions: a choice goes through a thousand reals. */
export interface LoadRule {
  readonly perActive: number;
  readonly perInactive: number;
  /** Active flows that are counted in beforehand. */
  readonly expected: number;
  /** False: as if all weights were equal. */
  readonly weighted: boolean;
}

/** Flows that are not active weigh 1/256 of those that are, as in IPVS. */
export const BY_FLOWS: LoadRule = { perActive: 256, perInactive: 1, expected: 0, weighted: false };
export const BY_FLOWS_AND_WEIGHT: LoadRule = { ...BY_FLOWS, weighted: true };
/** The flow that is to be scheduled counts already. */
export const BY_EXPECTED_DELAY: LoadRule = { perActive: 1, perInactive: 0, expected: 1, weighted: true };

export function loadBy(
  { perActive, perInactive, expected }: LoadRule,
  { active, inactive }: Candidate,
): number {
  return (active + expected) * perActive + inactive * perInactive;
}

/** Position of the eligible real with the least load for its weight; of equal ones that listed last, as in IPVS. */
export function leastLoaded(candidates: readonly Candidate[], rule: LoadRule): number | undefined {
  let least: number | undefined;
  let leastLoad = 0;
  let leastWeight = 1;
  for (let position = candidates.length - 1; position >= 0; position--) {
    const candidate = candidates[position] as Candidate;
    if (!isEligible(candidate)) continue;
    const load = loadBy(rule, candidate);
    const weight = rule.weighted ? candidate.weight : 1;
    // Products instead of quotients: exact, and below 2^53 for any weight and flow count.
    if (least !== undefined && load * leastWeight >= leastLoad * weight) continue;
    least = position;
    leastLoad = load;
    leastWeight = weight;
  }
  return least;
}
