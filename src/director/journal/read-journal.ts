// Reads the files of a journal.
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { CulvertError } from '../../errors.ts';
import { type EntryKind, type JournalEntry, peekLine, readLine } from './journal-entry.ts';
import { FORMER_ENDING } from './journal-file.ts';

/** A line of the journal; an entry that is damaged has no time. */
export type JournalLine = SoundLine | { readonly kind: 'damaged' };

export interface SoundLine {
  readonly atMs: number;
  readonly kind: EntryKind;
  /** @throws SyntaxError if the line is damaged behind its beginning */
  readonly read: () => JournalEntry;
}

/**
 * Reads both files of a journal, the former one first. A director may write to it meanwhile.
 * @throws CulvertError JOURNAL if there is none, PERMISSION if it cannot be read
 */
export function readJournal(path: string): readonly JournalLine[] {
  const [former, present] = readBoth(path);
  return [...linesOf(former), ...linesOf(present)];
}

/** Reads both files again if the present one became the former in between. */
function readBoth(path: string): readonly [former: Buffer, present: Buffer] {
  for (;;) {
    const present = readFile(path);
    const former = readFile(path + FORMER_ENDING);
    if (present === undefined && former === undefined) {
      throw new CulvertError(
        'JOURNAL',
        'there is no journal. fix: start a director whose director.journalSize is not 0, or name its file with --journal',
        { where: path },
      );
    }
    if (former === undefined || present?.inode !== former.inode) {
      return [former?.content ?? EMPTY, present?.content ?? EMPTY];
    }
  }
}

const EMPTY = Buffer.alloc(0);

interface File {
  readonly inode: number;
  readonly content: Buffer;
}

function readFile(path: string): File | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CulvertError('PERMISSION', 'cannot be read. fix: run as root', { where: path, cause });
  }
  try {
    return { inode: fstatSync(descriptor).ino, content: readFileSync(descriptor) };
  } finally {
    closeSync(descriptor);
  }
}

const NEWLINE = 0x0a;

function* linesOf(content: Buffer): Generator<JournalLine> {
  // What follows the last newline is still being written.
  for (let from = 0; ; ) {
    const end = content.indexOf(NEWLINE, from);
    if (end === -1) return;
    if (end > from) yield lineOf(content.subarray(from, end));
    from = end + 1;
  }
}

/** Lines are read only when they are needed: most of a journal is about other times. */
function lineOf(bytes: Buffer): JournalLine {
  const head = peekLine(bytes);
  return head === undefined ? { kind: 'damaged' } : { ...head, read: () => readLine(bytes.toString('utf8')) };
}
