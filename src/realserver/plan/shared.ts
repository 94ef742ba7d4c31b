// Several set-ups of one host share sysctls, addresses and the program: the last one removed restores them.

import { type NamedRecord, writeRecord } from '../record/record.ts';
import type { SetupRecord } from '../record/setup-record.ts';
import { type Action, actionKey, entryText } from './action.ts';
import { entriesOf } from './plan-setup.ts';

/** Returns true if another set-up still needs what this action would undo. */
export function isShared(action: Action, other: SetupRecord): boolean {
  switch (action.kind) {
    case 'delete-address':
      return other.serves.some(({ vip }) => vip === action.address);
    case 'refuse':
      return (
        other.interface === action.interface &&
        entriesOf(other.serves).some((entry) => entryText(entry) === entryText(action.entry))
      );
    case 'refuse-director':
      return other.interface === action.interface && other.directors.includes(action.director);
    case 'unclamp':
      return false;
    case 'delete-link':
    case 'close-gue':
    case 'unload-module':
      return other.decapsulation === 'kernel';
    default:
      return true;
  }
}

/** Moves undo actions to the record of another set-up, which performs them when it is removed. */
export function handOver(actions: readonly Action[], { record, ...naming }: NamedRecord): void {
  const known = new Set(record.undo.map(actionKey));
  const fresh = actions.filter((action) => !known.has(actionKey(action)));
  writeRecord(naming, { ...record, undo: [...record.undo, ...fresh] });
}
