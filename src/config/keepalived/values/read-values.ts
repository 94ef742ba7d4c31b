// Reads the keywords of a block into settings.
import { formatDuration } from '../../../contract/values/duration.ts';
import { describeFound } from '../../validate/issue.ts';
import { suggest } from '../../validate/suggest.ts';
import type { Word } from '../text/cut-words.ts';
import type { Block } from '../text/grammar.ts';
import type { Findings } from '../text/place.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from '../text/statement.ts';
import { type Range, readCNumber, readCTimer } from './c-number.ts';
import type { Origin } from './origins.ts';

/** A value and the keyword that says it. */
export interface Setting<Value> {
  readonly value: Value;
  readonly origin: Origin;
}

/** A keyword of a level: `read` is called for each statement that begins with it. */
export interface Keyword<Target> {
  readonly read: (statement: Statement, target: Target, findings: Findings) => void;
  /** The number of parameters that keepalived reads. It ignores further ones, and culvert reports them. */
  readonly parameters: number;
  /** The keywords of its block, if it has one. */
  readonly block?: Block;
}

export type Keywords<Target> = Readonly<Record<string, Keyword<Target>>>;

/** The end of a message about what keepalived logs and goes on without. */
export const IGNORED = 'ignored, as in keepalived';

/** Reads the statements of one level, each by its keyword. */
export function readLevel<Target>(
  body: readonly Statement[],
  { keywords, target, level }: { keywords: Keywords<Target>; target: Target; level: string },
  findings: Findings,
): void {
  for (const statement of body) {
    const name = keywordOf(statement);
    const keyword = Object.hasOwn(keywords, name) ? keywords[name] : undefined;
    if (keyword === undefined) {
      unknownKeyword(statement, { known: Object.keys(keywords), level }, findings);
      continue;
    }
    const [extra] = parametersOf(statement).slice(keyword.parameters);
    if (extra !== undefined)
      findings.warn(extra.place, `${name}: found the extra word '${extra.text}'; ${IGNORED}`);
    keyword.read(statement, target, findings);
  }
}

/** Keywords of other versions of keepalived, or of other checks, by what is meant. */
const MEANT: Readonly<Record<string, string>> = {
  nb_get_retry: 'nb_get_retry is for HTTP_GET and SSL_GET; use retry here',
};

function meaningOf(name: string): string | undefined {
  if (name.startsWith('//')) return 'comments begin with # or !';
  return Object.hasOwn(MEANT, name) ? MEANT[name] : undefined;
}

export function unknownKeyword(
  statement: Statement,
  { known, level }: { known: readonly string[]; level: string },
  findings: Findings,
): void {
  const name = keywordOf(statement);
  const nearest = name.startsWith('//') ? undefined : suggest(name, known);
  const found = describeFound(name).slice(1, -1);
  const meant = meaningOf(name) ?? (nearest && `did you mean '${nearest}'?`);
  const hint = meant === undefined ? '' : ` (${meant})`;
  findings.complain(
    placeOf(statement),
    `unknown keyword '${found}'${hint}; ${IGNORED}; allowed ${level}: ${known.join(', ')}`,
  );
}

/** Returns a keyword that culvert does not support. */
export function refuse<Target>(
  reason: string,
  parameters: number = Number.POSITIVE_INFINITY,
): Keyword<Target> {
  return {
    parameters,
    read: (statement: Statement, _target: Target, findings: Findings): void =>
      findings.error(placeOf(statement), `${keywordOf(statement)}: ${reason}`),
  };
}

/** Returns a keyword without effect on the traffic. */
export function ignore<Target>(reason: string): Keyword<Target> {
  return {
    parameters: Number.POSITIVE_INFINITY,
    read: (statement: Statement, _target: Target, findings: Findings): void =>
      findings.warn(placeOf(statement), `${keywordOf(statement)} is not used: ${reason}`),
  };
}

/** The same for a keyword with a BOOL, which keepalived looks at. */
export function ignoreSwitch<Target>(reason: string): Keyword<Target> {
  return {
    parameters: 1,
    read: (statement: Statement, _target: Target, findings: Findings): void => {
      readSwitch(statement, findings);
      findings.warn(placeOf(statement), `${keywordOf(statement)} is not used: ${reason}`);
    },
  };
}

export function originOf(statement: Statement, word?: Word): Origin {
  return { place: word?.place ?? placeOf(statement), keyword: keywordOf(statement) };
}

/** Warns of a value that keepalived logs as wrong and ignores. */
export function tellWrong(
  statement: Statement,
  word: Word,
  { allowed, findings }: { allowed: string; findings: Findings },
): void {
  const found = describeFound(word.text);
  findings.complain(word.place, `${keywordOf(statement)}: found ${found}; allowed: ${allowed}; ${IGNORED}`);
}

/** The first parameter; an error when there is none, as keepalived then ends. */
export function required(statement: Statement, allowed: string, findings: Findings): Word | undefined {
  const [word] = parametersOf(statement);
  if (word === undefined)
    findings.error(placeOf(statement), `${keywordOf(statement)}: found nothing; allowed: ${allowed}`);
  return word;
}

/** The first parameter; a warning when there is none, as keepalived then ignores the keyword. */
export function expected(statement: Statement, allowed: string, findings: Findings): Word | undefined {
  const [word] = parametersOf(statement);
  if (word === undefined)
    findings.complain(
      placeOf(statement),
      `${keywordOf(statement)}: found nothing; allowed: ${allowed}; ${IGNORED}`,
    );
  return word;
}

interface NumberOptions {
  /** False: keepalived ignores a number with other characters behind it also when it runs. */
  readonly lenient?: boolean;
  readonly signed?: boolean;
}

export function readNumber(
  statement: Statement,
  range: Range,
  findings: Findings,
  options: NumberOptions = {},
): Setting<number> | undefined {
  const word = required(statement, `a whole number from ${range.from} to ${range.to}`, findings);
  return word && readNumberWord(statement, word, { ...options, range, findings });
}

export function readNumberWord(
  statement: Statement,
  word: Word,
  { range, findings, lenient = true, signed = false }: NumberOptions & { range: Range; findings: Findings },
): Setting<number> | undefined {
  const allowed = `a whole number from ${range.from} to ${range.to}`;
  const { value, fault } = readCNumber(word.text, range, { lenient, signed });
  if (value === undefined) tellWrong(statement, word, { allowed, findings });
  else if (fault !== undefined) tellTaken(statement, word, { allowed, findings, taken: `${value}` });
  return value === undefined ? undefined : { value, origin: originOf(statement, word) };
}

/** Warns of a value that keepalived logs as wrong and takes for another. */
export function tellTaken(
  statement: Statement,
  word: Word,
  { allowed, findings, taken }: { allowed: string; findings: Findings; taken: string },
): void {
  const found = describeFound(word.text);
  findings.complain(
    word.place,
    `${keywordOf(statement)}: found ${found}; allowed: ${allowed}; read as ${taken}, as in keepalived`,
  );
}

/** Parses a number of either sign. */
export function signedNumber(text: string, most: number): number | undefined {
  const value = /^[-+]?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return Math.abs(value) <= most ? value + 0 : undefined;
}

export function wholeNumber(text: string, { from, to }: Range): number | undefined {
  const value = /^\+?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return value >= from && value <= to ? value : undefined;
}

export interface TimerRange {
  readonly least: '0' | 'above 0';
  /** The largest value, in microseconds. */
  readonly most: number;
}

/** keepalived's TIMER: seconds with up to six decimals. As culvert's text, to the millisecond. */
export function readTimer(
  statement: Statement,
  { least, most }: TimerRange,
  findings: Findings,
): Setting<string> | undefined {
  const range = { from: least === '0' ? 0 : 1, to: most };
  const to = most < 2 ** 32 ? `, up to ${most / 1_000_000}` : '';
  const allowed = `seconds, such as 3 or 0.5${least === '0' ? '' : ', above 0'}${to}`;
  const word = required(statement, allowed, findings);
  if (word === undefined) return undefined;
  const outcome = readCTimer(word.text, range);
  if ('microseconds' in outcome)
    findings.error(
      word.place,
      `${keywordOf(statement)}: found ${describeFound(word.text)}, which keepalived reads as ${outcome.microseconds} microseconds; allowed: ${allowed}`,
    );
  else if (outcome.value === undefined) tellWrong(statement, word, { allowed, findings });
  else {
    const milliseconds = Math.max(outcome.value > 0 ? 1 : 0, Math.round(outcome.value / 1000));
    const value = formatDuration(milliseconds);
    if (outcome.fault !== undefined) tellTaken(statement, word, { allowed, findings, taken: value });
    return { value, origin: originOf(statement, word) };
  }
  return undefined;
}

/** A BOOL, true when nothing follows the keyword; undefined, with a warning, where the word is another. */
export function readSwitch(statement: Statement, findings: Findings): boolean | undefined {
  const [word] = parametersOf(statement);
  if (word === undefined || ['true', 'on', 'yes'].includes(word.text)) return true;
  if (['false', 'off', 'no'].includes(word.text)) return false;
  tellWrong(statement, word, { allowed: 'on, off, true, false, yes, no', findings });
  return undefined;
}

/** The block behind a keyword; the parser has warned where there is none. */
export function blockOf(statement: Statement): readonly Statement[] {
  return statement.body ?? [];
}
