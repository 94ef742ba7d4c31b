import type { BfdNeighbor } from './neighbor.ts';

/** Undefined: it is up; else why not. */
export type BfdListener = (fault: string | undefined) => void;

/** Where the sessions of a process are. */
export interface BfdSessions {
  /**
   * Joins the session with a neighbour, or begins it, until disposed. The listener hears of each change, and of the
   * present state as soon as there is one to tell.
   */
  open(neighbor: BfdNeighbor, listener: BfdListener): Disposable;
}
