// Reads `track_file` blocks: files whose number counts for real servers.
import type { Findings } from '../text/place.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from '../text/statement.ts';
import {
  blockOf,
  expected,
  IGNORED,
  ignore,
  type Keywords,
  originOf,
  readLevel,
  readNumberWord,
  required,
  type Setting,
  tellWrong,
} from '../values/read-values.ts';

/** A `track_file` block: a file whose number counts for real servers. */
export interface TrackFile {
  file?: Setting<string> | undefined;
  weight?: Setting<number> | undefined;
  reverse?: Setting<boolean> | undefined;
}

export type TrackFiles = ReadonlyMap<string, TrackFile>;

export const TRACK_FILE_KEYWORDS: readonly string[] = ['track_file', 'vrrp_track_file'];

const MAX_WEIGHT = 2 ** 31 - 1;
const MAX_TRACK_WEIGHT = 254;

export const TRACK_FILE_LEVEL: Keywords<TrackFile> = {
  file: {
    parameters: 1,
    read: (statement, trackFile, findings): void => {
      const word = expected(statement, 'the path of the file', findings);
      if (word === undefined) return;
      if (trackFile.file === undefined)
        trackFile.file = { value: word.text, origin: originOf(statement, word) };
      else findings.complain(placeOf(statement), 'file: the first one counts, as in keepalived');
    },
  },
  weight: {
    parameters: 2,
    read: (statement, trackFile, findings): void => readTrackWeight(statement, trackFile, findings),
  },
  init_file: ignore('culvert writes no such file; a missing file counts as 0'),
};

/** Every `track_file` by its name; one without a file is none for keepalived. */
export function readTrackFiles(statements: readonly Statement[], findings: Findings): TrackFiles {
  const files = new Map<string, TrackFile>();
  for (const statement of statements) {
    if (!TRACK_FILE_KEYWORDS.includes(keywordOf(statement))) continue;
    const name = required(statement, 'the name of the tracked file', findings);
    const target: TrackFile = {};
    readLevel(blockOf(statement), { keywords: TRACK_FILE_LEVEL, target, level: 'in track_file' }, findings);
    if (target.file === undefined)
      findings.complain(
        placeOf(statement),
        `track_file: file is missing; allowed: file PATH in its block; ${IGNORED}`,
      );
    else if (name !== undefined && !files.has(name.text)) files.set(name.text, target);
  }
  return files;
}

const WEIGHT_WORDS = 'a whole number, then optionally reverse';

/** `weight NUMBER [reverse]` of a tracked file: a word that is wrong leaves the others as they are. */
function readTrackWeight(statement: Statement, target: TrackFile, findings: Findings): void {
  const word = expected(statement, WEIGHT_WORDS, findings);
  if (word === undefined) return;
  if ((target.weight?.value ?? 1) !== 1) {
    findings.complain(placeOf(statement), 'weight: the first one counts, as in keepalived');
    return;
  }
  const range = { from: -MAX_TRACK_WEIGHT, to: MAX_TRACK_WEIGHT };
  const weight = readNumberWord(statement, word, { range, findings, signed: true });
  target.weight = weight ?? { value: 1, origin: originOf(statement, word) };
  const [, direction] = parametersOf(statement);
  if (direction?.text === 'reverse') target.reverse = { value: true, origin: originOf(statement, direction) };
  else if (direction !== undefined) tellWrong(statement, direction, { allowed: 'reverse', findings });
}

/** `weight NUMBER [reverse]` of a FILE_CHECK: a word that is wrong makes keepalived ignore all of it. */
export const CHECK_WEIGHT: Keywords<Pick<TrackFile, 'weight' | 'reverse'>>[string] = {
  parameters: 2,
  read: (statement, target, findings): void => {
    const word = expected(statement, WEIGHT_WORDS, findings);
    if (word === undefined) return;
    const range = { from: -MAX_WEIGHT, to: MAX_WEIGHT };
    const weight = readNumberWord(statement, word, { range, findings, signed: true });
    const [, direction] = parametersOf(statement);
    const reverse = direction?.text === 'reverse';
    if (direction !== undefined && !reverse && direction.text !== 'noreverse')
      tellWrong(statement, direction, { allowed: 'reverse or noreverse', findings });
    else if (weight !== undefined) {
      target.weight = weight;
      target.reverse = { value: reverse, origin: originOf(statement, direction ?? word) };
    }
  },
};
