// The types that the steps of applying a table share.
import type { RealIndex } from '../../decision.ts';
import type { ImageState } from '../image-state.ts';

export interface ApplyTally {
  readonly services: { added: number; changed: number; removed: number };
  readonly reals: { added: number; changed: number; removed: number };
  slotsWritten: number;
  /** Reals that had flows may not use them any more. */
  unserved: boolean;
}

export interface ApplyHooks {
  /** Called for each index that is given to a new real, whose counters start at 0. */
  realAdded(index: RealIndex): void;
  /** Returns true when every packet that was under way at the call has been handled; false when that is not known. */
  settle(): boolean;
}

/** One application of a table in progress. */
export interface ApplyRun {
  readonly state: ImageState;
  readonly nowTick: number;
  readonly hashKey: Uint8Array;
  readonly rehashed: boolean;
  readonly hooks: ApplyHooks;
  readonly tally: ApplyTally;
}

/** The changes that applying a table made. */
export interface ApplySummary {
  readonly services: { readonly added: number; readonly changed: number; readonly removed: number };
  readonly reals: { readonly added: number; readonly changed: number; readonly removed: number };
  readonly slotsWritten: number;
}
