// Whether a real server may have a new flow.
import type { Candidate } from '../scheduler.ts';

/** Whether a real may have a new flow. */
export function isEligible({ weight, overloaded }: Candidate): boolean {
  return weight > 0 && !overloaded;
}
