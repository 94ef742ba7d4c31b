// The entries of the journal, and the lines that they are written as.

import { documentText, type LoadedConfig } from '../../config/load/loaded-config.ts';
import { readDocument } from '../../config/load/read-document.ts';
import type { ConfigureInput, Input, StartInput } from '../step/input.ts';
import { fromExactJson, toExactJson } from './exact-json.ts';
import type { Snapshot } from './snapshot.ts';

export type JournalEntry = SnapshotEntry | InputEntry | GapEntry;
export type EntryKind = JournalEntry['kind'];

/** A world to begin with. It is the first entry of a file, of each run of the director, and after a gap. */
export interface SnapshotEntry {
  readonly atMs: number;
  readonly kind: 'snapshot';
  /** True: a director has started. */
  readonly started: boolean;
  /** The inputs that were left out since the last entry. */
  readonly missing: number;
  readonly snapshot: Snapshot;
}

export interface InputEntry {
  readonly atMs: number;
  readonly kind: 'input';
  readonly input: RecordedInput;
}

/** From here on inputs are missing, until the next snapshot. */
export interface GapEntry {
  readonly atMs: number;
  readonly kind: 'gap';
}

/** An input with the text of a document instead of a configuration. */
export type RecordedInput =
  | Exclude<Input, ConfigureInput | StartInput>
  | (Recorded<ConfigureInput> & { readonly kind: 'configure' });

type Recorded<One> = One extends { readonly loaded: LoadedConfig }
  ? Omit<One, 'loaded'> & {
      /** The text; undefined for the configuration in force, as when nothing has changed in the file. */
      readonly document: string | undefined;
    }
  : One;

export function entryLine(entry: JournalEntry): string {
  // The time and the kind come first: a reader finds its way by them, without reading the rest.
  const { atMs, kind, ...rest } = entry;
  return toExactJson({ atMs, kind, ...rest });
}

const HEAD_BYTES = 80;
const CLOSING_BRACE = 0x7d;

/** Returns the beginning of a line; undefined for one that is damaged. */
export function peekLine(line: Buffer): { readonly atMs: number; readonly kind: EntryKind } | undefined {
  const head = line.toString('latin1', 0, HEAD_BYTES);
  const [, atMs, kind] = /^\{"atMs":(\d+(?:\.\d+)?),"kind":"(snapshot|input|gap)"[,}]/.exec(head) ?? [];
  if (atMs === undefined || line.at(-1) !== CLOSING_BRACE) return undefined;
  return { atMs: Number(atMs), kind: kind as EntryKind };
}

/** @throws SyntaxError for a line that is damaged */
export function readLine(line: string): JournalEntry {
  return fromExactJson(line) as JournalEntry;
}

/** @param previous the configuration in force before the input */
export function recordInput(input: Exclude<Input, StartInput>, previous: LoadedConfig): RecordedInput {
  if (input.kind !== 'configure' || input.verb === 'revert') return input;
  const { loaded, ...rest } = input;
  const isSame = loaded.revision === previous.revision;
  return { ...rest, document: isSame ? undefined : documentText(loaded.document) };
}

/** @param previous the configuration in force before the input: what is the same in both is the same object */
export function restoreInput(input: RecordedInput, previous: LoadedConfig): Exclude<Input, StartInput> {
  if (input.kind !== 'configure' || input.verb === 'revert') return input;
  const { document, ...rest } = input;
  const loaded = document === undefined ? previous : readDocument(JSON.parse(document), previous);
  return { ...rest, loaded };
}
