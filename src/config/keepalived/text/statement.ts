// A line of a keepalived.conf with the block behind it.
import type { Word } from './cut-words.ts';
import type { Place } from './place.ts';

/** A line of a keepalived.conf, all definitions expanded, with the block behind it if there is one. */
export interface Statement {
  /** The keyword, then its parameters. */
  readonly words: readonly Word[];
  readonly body: readonly Statement[] | undefined;
}

export function keywordOf(statement: Statement): string {
  return statement.words[0]?.text ?? '';
}

export function placeOf(statement: Statement): Place {
  return statement.words[0]?.place ?? { fileName: '', line: 1, column: 1 };
}

/** The parameters: all words but the keyword. */
export function parametersOf(statement: Statement): readonly Word[] {
  return statement.words.slice(1);
}

/** Keywords whose parameters keepalived reads with escapes and both kinds of quotes. */
export const ESCAPED_KEYWORDS: ReadonlySet<string> = new Set([
  'quorum_up',
  'quorum_down',
  'notify_up',
  'notify_down',
  'misc_path',
  'regex',
]);
