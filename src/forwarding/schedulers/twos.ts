// The scheduler twos: the power of two choices.
import { isEligible } from './parts/eligible.ts';
import { BY_FLOWS, loadBy } from './parts/real-load.ts';
import { stateless } from './parts/stateless.ts';
import type { Candidate, ScheduleRequest, Scheduler } from './scheduler.ts';

/** Power of two choices: of two reals drawn by weight, the one with fewer flows for its weight. */
export const twoChoices: Scheduler = stateless((candidates, { random }: ScheduleRequest) => {
  let total = 0;
  for (const candidate of candidates) if (isEligible(candidate)) total += candidate.weight;
  if (total === 0) return undefined;
  const [first, second] = drawn(candidates, [Math.floor(random() * total), Math.floor(random() * total)]);
  const [a, b] = [candidates[first] as Candidate, candidates[second] as Candidate];
  return loadBy(BY_FLOWS, b) * a.weight < loadBy(BY_FLOWS, a) * b.weight ? second : first;
});

/** Returns the positions of the eligible reals at these shares of the total weight. */
function drawn(candidates: readonly Candidate[], lots: readonly [number, number]): [number, number] {
  let [first, second] = [-1, -1];
  let end = 0;
  for (let position = 0; first < 0 || second < 0; position++) {
    const candidate = candidates[position] as Candidate;
    if (!isEligible(candidate)) continue;
    end += candidate.weight;
    if (first < 0 && lots[0] < end) first = position;
    if (second < 0 && lots[1] < end) second = position;
  }
  return [first, second];
}
