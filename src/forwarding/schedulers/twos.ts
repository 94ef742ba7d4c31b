import { isEligible } from './eligible.ts';
import { BY_FLOWS, loadBy } from './load.ts';
import type { Candidate, ScheduleRequest, Scheduler } from './scheduler.ts';
import { stateless } from './stateless.ts';

/** Power of two choices: of two reals that are drawn by their weights, the one with the fewer flows for its weight. */
export const twoChoices: Scheduler = stateless((candidates, { random }: ScheduleRequest) => {
  let total = 0;
  for (const candidate of candidates) if (isEligible(candidate)) total += candidate.weight;
  if (total === 0) return undefined;
  const first = drawn(candidates, Math.floor(random() * total));
  const second = drawn(candidates, Math.floor(random() * total));
  const [a, b] = [candidates[first] as Candidate, candidates[second] as Candidate];
  return loadBy(BY_FLOWS, b) * a.weight < loadBy(BY_FLOWS, a) * b.weight ? second : first;
});

/** Position of the eligible real that has the `lot`-th share of their weights. */
function drawn(candidates: readonly Candidate[], lot: number): number {
  let left = lot;
  for (let position = 0; position < candidates.length; position++) {
    const candidate = candidates[position] as Candidate;
    if (isEligible(candidate)) left -= candidate.weight;
    if (left < 0) return position;
  }
  return -1;
}
