// Several set-ups of one host need the same sysctls, addresses and program: the last one that goes takes them back.
import { type Action, actionKey, entryText } from './action.ts';
import { entriesOf } from './plan.ts';
import { type NamedRecord, type SetupRecord, writeRecord } from './record.ts';

/** Whether another set-up still needs what this action would take back. */
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

/** The other set-up takes it back when it ends; what it changed itself was changed before or after, and stands. */
export function handOver(actions: readonly Action[], { record, ...naming }: NamedRecord): void {
  const known = new Set(record.undo.map(actionKey));
  const fresh = actions.filter((action) => !known.has(actionKey(action)));
  writeRecord(naming, { ...record, undo: [...record.undo, ...fresh] });
}
