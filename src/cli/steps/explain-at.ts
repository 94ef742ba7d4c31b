// Explains a packet at a time in the past, from a director's journal.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { explanationToWire } from '../../api/server/routes/to-wire.ts';
import type { WireExplanation } from '../../contract/api/explanation.ts';
import { directorShape } from '../../contract/config/director-contract.ts';
import { defaultOf } from '../../contract/option.ts';
import { explainPast } from '../../director/journal/explain-past.ts';
import { JOURNAL_ENDING } from '../../director/journal/journal-file.ts';
import { readJournal } from '../../director/journal/read-journal.ts';
import { CulvertError } from '../../errors.ts';
import { localInstance } from '../options/local-naming.ts';

export interface JournalOptions {
  readonly journal?: string;
  readonly instance?: string;
}

export interface PastQuestion {
  readonly packet: Uint8Array;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly nowMs: number;
}

export interface WirePastExplanation extends WireExplanation {
  readonly at: string;
  readonly revision: string;
}

/** @param warn called with what is wrong with the journal, but does not prevent an answer */
export async function explainAt(
  { packet, ...times }: PastQuestion,
  options: JournalOptions,
  warn: (warning: string) => void,
): Promise<WirePastExplanation> {
  const path = options.journal ?? (await findJournal(options));
  const lines = readJournal(path);
  const damaged = lines.filter(({ kind }) => kind === 'damaged').length;
  if (damaged > 0) warn(`${path}: ${damaged} damaged lines are left out`);
  const { atMs, revision, ...explanation } = explainPast(lines, packet, times);
  return { at: new Date(atMs).toISOString(), revision, ...explanationToWire(explanation) };
}

/** Finds the journal of an instance, or the only one there is, where directors keep their state unless they are configured otherwise. */
async function findJournal({ instance }: JournalOptions): Promise<string> {
  const directory = defaultOf(directorShape.stateDirectory);
  const found = listJournals(directory);
  if (instance !== undefined) {
    const own = (await localInstance(instance)) + JOURNAL_ENDING;
    return join(directory, found.includes(own) ? own : instance + JOURNAL_ENDING);
  }
  if (found.length > 1) {
    const names = found.map((file) => file.slice(0, -JOURNAL_ENDING.length)).join(', ');
    throw new CulvertError(
      'USAGE',
      `several directors have a journal: ${names}. fix: choose one with --instance`,
      {
        where: directory,
      },
    );
  }
  if (found[0] === undefined) {
    throw new CulvertError(
      'JOURNAL',
      'there is no journal. fix: name its file with --journal if director.stateDirectory is another one',
      { where: directory },
    );
  }
  return join(directory, found[0]);
}

function listJournals(directory: string): string[] {
  try {
    return readdirSync(directory).filter((file) => file.endsWith(JOURNAL_ENDING));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new CulvertError('PERMISSION', 'cannot be read. fix: run as root', { where: directory, cause });
  }
}
