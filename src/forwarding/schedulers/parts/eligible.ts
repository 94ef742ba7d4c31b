// Tells which reals a scheduler may choose.
import type { Candidate } from '../scheduler.ts';

/** Returns true if a real may have a new flow. */
export function isEligible({ weight, overloaded }: Candidate): boolean {
  return weight > 0 && !overloaded;
}
