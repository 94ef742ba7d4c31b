// The record of a set-up.
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { Wanted } from '../options.ts';
import type { Action } from '../plan/action.ts';
import type { Decapsulation } from '../plan/plan-setup.ts';

/** The services of a set-up, and how to undo the changes made for it. It is written to disk before each change. */
export interface SetupRecord {
  readonly version: 2;
  /** The changes do not outlive the running kernel. */
  readonly bootId: string;
  /** Number of the network namespace in which the changes were made. */
  readonly namespace: number;
  readonly interface: string;
  readonly decapsulation: Decapsulation;
  readonly serves: Wanted['serves'];
  readonly directors: readonly IpAddress[];
  /** The undo actions, in the order in which to perform them. */
  readonly undo: readonly Action[];
}
