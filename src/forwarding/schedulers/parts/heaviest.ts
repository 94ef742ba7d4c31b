// Finds the real of the greatest weight.
import type { Candidate } from '../scheduler.ts';

/**
 * Returns the position of the real of the greatest weight among those that `fits` accepts; the last listed of equal ones, as in
 * IPVS.
 */
export function heaviest(
  candidates: readonly Candidate[],
  fits: (candidate: Candidate) => boolean,
): number | undefined {
  let found: number | undefined;
  let greatest = 0;
  for (let position = candidates.length - 1; position >= 0; position--) {
    const candidate = candidates[position] as Candidate;
    if (candidate.weight <= greatest || !fits(candidate)) continue;
    found = position;
    greatest = candidate.weight;
  }
  return found;
}
