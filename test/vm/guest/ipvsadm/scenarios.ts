import type { AdmAction } from '../../../golden/ipvsadm/golden.ts';
import { EDITS } from './scenarios/edits.ts';
import { LISTING } from './scenarios/listing.ts';
import { OPTIONS_SET } from './scenarios/options.ts';
import { RESTORE } from './scenarios/restore.ts';
import { TRAFFIC } from './scenarios/traffic.ts';

/** What is to be recorded. */
export interface AdmSet {
  readonly description: string;
  readonly scenarios: Readonly<Record<string, readonly (AdmAction | string)[]>>;
}

/** By the names of their files in test/golden/ipvsadm. A text is what `ipvsadm` is run with. */
export const ADM_SETS: Readonly<Record<string, AdmSet>> = {
  options: OPTIONS_SET,
  edits: EDITS,
  listing: LISTING,
  restore: RESTORE,
  traffic: TRAFFIC,
};
