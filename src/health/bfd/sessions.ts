// What the thread of BFD offers to the daemon.
import type { BfdNeighbor } from './neighbor.ts';

/**
 * `fault` undefined: it is up; else why not. `shortage`: this machine could not take part, which says nothing about the
 * peer; the system's name of what it lacks.
 */
export type BfdListener = (fault: string | undefined, shortage?: string) => void;

/** Where the sessions of a process are. */
export interface BfdSessions {
  /**
   * Joins the session with a neighbour, or begins it, until disposed. The listener hears of each change, and of the
   * present state as soon as there is one to tell.
   */
  open(neighbor: BfdNeighbor, listener: BfdListener): Disposable;
}
