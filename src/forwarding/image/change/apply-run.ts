// What one change of tables works with, and what it has changed.
import type { RealIndex } from '../../decision.ts';
import type { ImageState } from '../image-state.ts';

export interface ApplyTally {
  readonly services: { added: number; changed: number; removed: number };
  readonly reals: { added: number; changed: number; removed: number };
  slotsWritten: number;
  /** Reals that had flows may use them no more. */
  unserved: boolean;
}

export interface ApplyHooks {
  /** Told of each index that is given to a new real, whose counters start anew. */
  realAdded(index: RealIndex): void;
  /** Returns true when no packet is under way any more that was when it was called; false: that is not known. */
  settle(): boolean;
}

/** One change of tables under way. */
export interface ApplyRun {
  readonly state: ImageState;
  readonly nowTick: number;
  readonly hashKey: Uint8Array;
  readonly rehashed: boolean;
  readonly hooks: ApplyHooks;
  readonly tally: ApplyTally;
}

/** What a change of tables has changed. */
export interface ApplySummary {
  readonly services: { readonly added: number; readonly changed: number; readonly removed: number };
  readonly reals: { readonly added: number; readonly changed: number; readonly removed: number };
  readonly slotsWritten: number;
}
