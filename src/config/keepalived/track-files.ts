import type { Findings } from './place.ts';
import {
  blockOf,
  ignore,
  type Keywords,
  originOf,
  readLevel,
  required,
  type Setting,
  signedNumber,
  tellWrong,
} from './read-values.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from './statement.ts';

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

const KEYWORDS: Keywords<TrackFile> = {
  file: {
    parameters: 1,
    read: (statement, trackFile, findings): void => {
      const word = required(statement, 'the path of the file', findings);
      if (word !== undefined) trackFile.file = { value: word.text, origin: originOf(statement, word) };
    },
  },
  weight: multiplier(MAX_TRACK_WEIGHT),
  init_file: ignore('culvert writes no such file; a file that is not there counts as 0'),
};

/** Every `track_file` by its name. */
export function readTrackFiles(statements: readonly Statement[], findings: Findings): TrackFiles {
  const files = new Map<string, TrackFile>();
  for (const statement of statements) {
    if (!TRACK_FILE_KEYWORDS.includes(keywordOf(statement))) continue;
    const name = required(statement, 'the name of the tracked file', findings);
    const target: TrackFile = {};
    readLevel(blockOf(statement, findings), { keywords: KEYWORDS, target, level: 'in track_file' }, findings);
    if (target.file === undefined)
      findings.error(placeOf(statement), 'track_file: no file is given; allowed: file PATH in its block');
    if (name !== undefined) files.set(name.text, target);
  }
  return files;
}

/** `weight NUMBER [reverse]`, of a tracked file or of a FILE_CHECK. */
export function multiplier(
  most: number = MAX_WEIGHT,
): Keywords<Pick<TrackFile, 'weight' | 'reverse'>>[string] {
  return {
    parameters: 2,
    read: (statement, target, findings): void => {
      const allowed = `a whole number from -${most} to ${most}, then reverse if need be`;
      const number = required(statement, allowed, findings);
      if (number === undefined) return;
      const [, direction] = parametersOf(statement);
      const weight = signedNumber(number.text, most);
      const reverse = direction?.text === 'reverse';
      if (weight === undefined) tellWrong(statement, number, { allowed, findings });
      else if (direction !== undefined && !reverse && direction.text !== 'noreverse')
        tellWrong(statement, direction, { allowed, findings });
      else {
        target.weight = { value: weight, origin: originOf(statement, number) };
        target.reverse = { value: reverse, origin: originOf(statement, direction ?? number) };
      }
    },
  };
}
