// Measures the load of a real, and finds the least loaded one.
import type { Candidate } from '../scheduler.ts';
import { isEligible } from './eligible.ts';

/** A rule for counting the load of a real. It has numbers instead of functions, as a choice visits a thousand reals. */
export interface LoadRule {
  readonly perActive: number;
  readonly perInactive: number;
  /** Active flows that are added beforehand. */
  readonly expected: number;
  /** False: all weights count as equal. */
  readonly weighted: boolean;
}

/** The rule by flows: an inactive flow weighs 1/256 of an active one, as in IPVS. */
export const BY_FLOWS: LoadRule = { perActive: 256, perInactive: 1, expected: 0, weighted: false };
export const BY_FLOWS_AND_WEIGHT: LoadRule = { ...BY_FLOWS, weighted: true };
/** The rule of expected delay: the flow to be scheduled is counted already. */
export const BY_EXPECTED_DELAY: LoadRule = { perActive: 1, perInactive: 0, expected: 1, weighted: true };

export function loadBy(
  { perActive, perInactive, expected }: LoadRule,
  { active, inactive }: Candidate,
): number {
  return (active + expected) * perActive + inactive * perInactive;
}

/** Returns the position of the eligible real with the least load for its weight; the last listed of equal ones, as in IPVS. */
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
