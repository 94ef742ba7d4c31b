// Removes a real server's set-up, all of it or what is named.
import { CulvertError } from '../errors.ts';
import type { TeardownOptions } from './options.ts';
import { perform } from './perform.ts';
import { type Action, describeAction } from './plan/action.ts';
import { Changes } from './plan/changes.ts';
import { handOver, isShared } from './plan/shared.ts';
import { without } from './plan/wanted.ts';
import { requirePrivilege } from './privilege.ts';
import { otherRecords, readRecord, recordPath, removeRecord, writeRecord } from './record/record.ts';
import type { SetupRecord } from './record/setup-record.ts';

export interface TeardownSummary {
  /** True if anything is still served. */
  readonly left: boolean;
  /** The changes made, in words; empty when there was nothing to restore. */
  readonly done: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Takes away what is named and leaves the rest served; without anything named, or with nothing left, restores what was
 * there before the first set-up. What cannot be restored stays on record, for another attempt.
 * @throws CulvertError PERMISSION; REALSERVER naming each thing that could not be restored, after all others have been.
 */
export function teardownRealServer(options: TeardownOptions): TeardownSummary {
  requirePrivilege('removing a real server', 'auto');
  const record = readRecord(options);
  if (record === undefined) {
    // A record that is there was written before the last boot; nothing of its changes is left.
    if (!isPartial(options)) removeRecord(options);
    return { left: false, done: [], warnings: [] };
  }
  const { interface: name, serves, directors, decapsulation } = record;
  const present = { serves, directors, interface: name, instance: options.instance };
  const wanted = isPartial(options) ? without(present, options) : undefined;
  if (wanted === undefined) return { left: false, ...restore(options, record) };
  const changes = new Changes(options, record);
  changes.converge(wanted, decapsulation);
  return { left: true, done: changes.done, warnings: changes.warnings };
}

function isPartial({ vips, directors, tunnels, serves }: TeardownOptions): boolean {
  return [vips, directors, tunnels, serves].some((named) => named !== undefined);
}

function restore(options: TeardownOptions, record: SetupRecord): Omit<TeardownSummary, 'left'> {
  const done: string[] = [];
  const warnings: string[] = [];
  const failed: Action[] = [];
  const failures: string[] = [];
  for (const action of record.undo) {
    const other = otherRecords(options).find((each) => isShared(action, each.record));
    if (other !== undefined) {
      handOver([action], other);
      continue;
    }
    try {
      warnings.push(...perform(action).warnings);
      done.push(describeAction(action));
    } catch (error) {
      failed.push(action);
      failures.push(`${describeAction(action)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (failed.length > 0) {
    writeRecord(options, { ...record, undo: failed });
    throw new CulvertError(
      'REALSERVER',
      `could not restore everything. fix: solve the problems below, then run teardown again:\n${failures.join('\n')}`,
      { where: recordPath(options) },
    );
  }
  removeRecord(options);
  return { done, warnings };
}
