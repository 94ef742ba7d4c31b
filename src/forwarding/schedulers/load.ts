import { isEligible } from './eligible.ts';
import type { Candidate } from './scheduler.ts';

/** What IPVS takes for the load of a real: a flow that is not active weighs 1/256 of one that is. */
export function flowLoad({ active, inactive }: Candidate): number {
  return active * 256 + inactive;
}

/** Active flows as they will be with the one that is to be scheduled. */
export function expectedLoad({ active }: Candidate): number {
  return active + 1;
}

export interface LoadRule {
  readonly load: (candidate: Candidate) => number;
  /** What its load is divided by. */
  readonly weight: (candidate: Candidate) => number;
}

export const BY_FLOWS_AND_WEIGHT: LoadRule = { load: flowLoad, weight: ({ weight }) => weight };

/** Position of the eligible real with the least load for its weight; of equal ones that listed last, as in IPVS. */
export function leastLoaded(
  candidates: readonly Candidate[],
  { load, weight }: LoadRule,
): number | undefined {
  let least: number | undefined;
  let leastLoad = 0;
  let leastWeight = 1;
  for (let position = candidates.length - 1; position >= 0; position--) {
    const candidate = candidates[position] as Candidate;
    if (!isEligible(candidate)) continue;
    const [candidateLoad, candidateWeight] = [load(candidate), weight(candidate)];
    // Products instead of quotients: exact, and below 2^53 for any weight and flow count.
    if (least !== undefined && candidateLoad * leastWeight >= leastLoad * candidateWeight) continue;
    [least, leastLoad, leastWeight] = [position, candidateLoad, candidateWeight];
  }
  return least;
}
