import { CulvertError } from '../errors.ts';
import { type Action, describeAction } from './action.ts';
import type { TeardownOptions } from './options.ts';
import { perform } from './perform.ts';
import { readRecord, recordPath, removeRecord, writeRecord } from './record.ts';

export interface TeardownSummary {
  /** What was changed, in words; empty when there was nothing to restore. */
  readonly done: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Restores what was there before `setupRealServer`. What cannot be restored stays on record, for another attempt.
 * @throws CulvertError REALSERVER naming each thing that could not be restored, after all others have been.
 */
export function teardownRealServer(options: TeardownOptions): TeardownSummary {
  const record = readRecord(options);
  if (record === undefined) {
    // What is there was written before the last boot: nothing of it is left.
    removeRecord(options);
    return { done: [], warnings: [] };
  }
  const done: string[] = [];
  const warnings: string[] = [];
  const failed: Action[] = [];
  const failures: string[] = [];
  for (const action of record.undo) {
    try {
      warnings.push(...perform(action));
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
      `could not restore everything; mend it and repeat:\n${failures.join('\n')}`,
      { where: recordPath(options) },
    );
  }
  removeRecord(options);
  return { done, warnings };
}
