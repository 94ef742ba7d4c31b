// Applies several commands of ipvsadm to a configuration.
import { isDeepStrictEqual } from 'node:util';
import type { ConfigDocument } from '../../contract/config/config-document.ts';
import type { AdmEdit } from '../parse/ipvsadm-command.ts';
import { AdmFault } from '../parse/ipvsadm-fault.ts';
import { edit } from './edit.ts';

export interface Edited {
  readonly config: ConfigDocument;
  readonly isChanged: boolean;
  /** The commands that were applied. */
  readonly done: readonly AdmEdit[];
  /** The refusals, in order. */
  readonly faults: readonly AdmFault[];
  /** The refusal of the last command, if it was refused; ipvsadm ends with its status. */
  readonly last: AdmFault | undefined;
}

/** Applies one command after the other, as `ipvsadm -R` does: it skips those that the kernel would refuse. */
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
