import { isDeepStrictEqual } from 'node:util';
import type { ConfigDocument } from '../config/document.ts';
import type { AdmEdit } from './command.ts';
import { edit } from './edit.ts';
import { AdmFault } from './fault.ts';

export interface Edited {
  readonly config: ConfigDocument;
  readonly isChanged: boolean;
  /** Those that were made. */
  readonly done: readonly AdmEdit[];
  /** Of those that were refused, in order. */
  readonly faults: readonly AdmFault[];
  /** What the last one came to; ipvsadm ends with it. */
  readonly last: AdmFault | undefined;
}

/** One command after the other, as `ipvsadm -R` has them done: what the kernel would refuse is passed over. */
export function editAll(config: ConfigDocument, edits: readonly AdmEdit[]): Edited {
  let edited = config;
  let last: AdmFault | undefined;
  const done: AdmEdit[] = [];
  const faults: AdmFault[] = [];
  for (const command of edits) {
    const result = edit(edited, command);
    last = result instanceof AdmFault ? result : undefined;
    if (result instanceof AdmFault) {
      faults.push(result);
      if (result.ends) break;
    } else {
      edited = result;
      done.push(command);
    }
  }
  return { config: edited, isChanged: !isDeepStrictEqual(edited, config), done, faults, last };
}
