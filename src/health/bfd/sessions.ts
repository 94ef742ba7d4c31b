// The interface of the BFD sessions of a process.
import type { BfdNeighbor } from './neighbor.ts';

/**
 * `fault` undefined: it is up; else why not. `shortage`: this machine could not take part, which says nothing about the
 * peer; the system's name of what it lacks.
 */
export type BfdListener = (fault: string | undefined, shortage?: string) => void;

/** The BFD sessions of a process. */
export interface BfdSessions {
  /**
   * Joins the session with a neighbour, or begins it, until disposed. The listener hears of each change, and of the
   * present state as soon as there is one to tell.
   */
  open(neighbor: BfdNeighbor, listener: BfdListener): Disposable;
}
