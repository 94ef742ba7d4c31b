// Finds what earlier set-ups made that is no longer wanted.

import type { RealServerFacts } from '../facts/facts.ts';
import { kernelDevices } from '../facts/kernel-devices.ts';
import { vipsOf, type Wanted } from '../options.ts';
import { type Action, entryText } from './action.ts';
import { clampedVips, clampTool } from './plan-clamp.ts';
import { neededGuePorts } from './plan-devices.ts';
import { type Decapsulation, entriesOf, holder } from './plan-setup.ts';

/** Returns the undo actions to perform now. Sysctls, modules and link states are kept until the whole set-up is removed. */
export function obsolete(
  undo: readonly Action[],
  facts: RealServerFacts,
  wanted: Wanted,
  way: Decapsulation,
): readonly Action[] {
  return undo.filter((action) => !isWanted(action, facts, wanted, way));
}

function isWanted(action: Action, facts: RealServerFacts, wanted: Wanted, way: Decapsulation): boolean {
  switch (action.kind) {
    case 'delete-address':
      return (
        vipsOf(wanted.serves).includes(action.address) &&
        holder(facts, wanted, way, action.address) === action.interface
      );
    case 'unclamp': {
      const { family, tool } = action.clamp;
      return clampedVips(wanted, family).length > 0 && tool === clampTool(facts, family);
    }
    case 'refuse':
      return entriesOf(wanted.serves).some((entry) => entryText(entry) === entryText(action.entry));
    case 'refuse-director':
      return wanted.directors.includes(action.director);
    case 'delete-link':
      return kernelDevices(wanted).some(({ name }) => name === action.interface);
    case 'close-gue':
      return neededGuePorts(wanted).some(
        ({ family, port }) => family === action.family && port === action.port,
      );
    default:
      return true;
  }
}
