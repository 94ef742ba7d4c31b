// Makes a scheduler from a rule that keeps no state.
import type { Candidate, ScheduleRequest, Scheduler } from '../scheduler.ts';

type Rule = (candidates: readonly Candidate[], request: ScheduleRequest) => number | undefined;

/** Returns a scheduler that keeps nothing between choices. */
export function stateless(rule: Rule): Scheduler {
  return {
    choose: (candidates, request) => {
      const position = rule(candidates, request);
      return position === undefined ? undefined : { position };
    },
  };
}
