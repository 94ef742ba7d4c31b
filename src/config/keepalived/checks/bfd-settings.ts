// A `bfd_instance` as it is written.
import type { Setting } from '../values/read-values.ts';

/** A `bfd_instance`: a session that checks of real servers, or VRRP, go by. */
export interface BfdInstance {
  neighbor?: Setting<string> | undefined;
  source?: Setting<string> | undefined;
  minRx?: Setting<string> | undefined;
  minTx?: Setting<string> | undefined;
  idleTx?: Setting<string> | undefined;
  multiplier?: Setting<number> | undefined;
  passive?: Setting<boolean> | undefined;
  ttl?: Setting<number> | undefined;
  maxHops?: Setting<number> | undefined;
  /** Whom it is for; said of neither: for both. */
  vrrp?: Setting<boolean> | undefined;
  checker?: Setting<boolean> | undefined;
}

export type BfdInstances = ReadonlyMap<string, BfdInstance>;
