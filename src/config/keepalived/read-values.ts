import { formatDuration } from '../duration.ts';
import { describeFound } from '../issue.ts';
import { suggest } from '../suggest.ts';
import type { Origin } from './origins.ts';
import type { Findings } from './place.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from './statement.ts';
import type { Word } from './words.ts';

/** A value and the keyword that says it. */
export interface Setting<Value> {
  readonly value: Value;
  readonly origin: Origin;
}

/** What the keyword of one level means: `read` is called for each statement that begins with it. */
export interface Keyword<Target> {
  readonly read: (statement: Statement, target: Target, findings: Findings) => void;
  /** How many parameters keepalived looks at; more are ignored, and that is said. */
  readonly parameters: number;
}

export type Keywords<Target> = Readonly<Record<string, Keyword<Target>>>;

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
      findings.warn(
        extra.place,
        `${name}: found '${extra.text}' behind what belongs there; ignored, as by keepalived`,
      );
    keyword.read(statement, target, findings);
  }
}

export function unknownKeyword(
  statement: Statement,
  { known, level }: { known: readonly string[]; level: string },
  findings: Findings,
): void {
  const name = keywordOf(statement);
  const nearest = suggest(name, known);
  const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
  const found = describeFound(name).slice(1, -1);
  findings.error(
    placeOf(statement),
    `unknown keyword '${found}'${hint}; allowed ${level}: ${known.join(', ')}`,
  );
}

/** For keywords that culvert has nothing for. */
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

/** For keywords whose loss changes nothing for the traffic. */
export function ignore<Target>(reason: string): Keyword<Target> {
  return {
    parameters: Number.POSITIVE_INFINITY,
    read: (statement: Statement, _target: Target, findings: Findings): void =>
      findings.warn(placeOf(statement), `${keywordOf(statement)} is not used: ${reason}`),
  };
}

export function originOf(statement: Statement, word?: Word): Origin {
  return { place: word?.place ?? placeOf(statement), keyword: keywordOf(statement) };
}

export function tellWrong(
  statement: Statement,
  word: Word,
  { allowed, findings }: { allowed: string; findings: Findings },
): void {
  const found = describeFound(word.text);
  findings.error(word.place, `${keywordOf(statement)}: found ${found}; allowed: ${allowed}`);
}

/** The first parameter; undefined, and told, when there is none. */
export function required(statement: Statement, allowed: string, findings: Findings): Word | undefined {
  const [word] = parametersOf(statement);
  if (word === undefined)
    findings.error(placeOf(statement), `${keywordOf(statement)}: found nothing; allowed: ${allowed}`);
  return word;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

export function readNumber(
  statement: Statement,
  range: Range,
  findings: Findings,
): Setting<number> | undefined {
  const allowed = `a whole number from ${range.from} to ${range.to}`;
  const word = required(statement, allowed, findings);
  if (word === undefined) return undefined;
  const value = wholeNumber(word.text, range);
  if (value !== undefined) return { value, origin: originOf(statement, word) };
  tellWrong(statement, word, { allowed, findings });
  return undefined;
}

/** Of a number of either sign. */
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
  /** Undefined: as many as can be written. */
  readonly mostSeconds?: number;
}

/** keepalived's TIMER: seconds with up to six decimals. As culvert's text, to the millisecond. */
export function readTimer(
  statement: Statement,
  { least, mostSeconds = Number.POSITIVE_INFINITY }: TimerRange,
  findings: Findings,
): Setting<string> | undefined {
  const to = Number.isFinite(mostSeconds) ? `, up to ${mostSeconds}` : '';
  const allowed = `seconds, such as 3 or 0.5${least === '0' ? '' : ', above 0'}${to}`;
  const word = required(statement, allowed, findings);
  if (word === undefined) return undefined;
  const isTimer = /^\+?(?:\d{1,12}(?:\.\d{0,6})?|\.\d{1,6})$/.test(word.text);
  const seconds = isTimer ? Number(word.text) : Number.NaN;
  if (seconds <= mostSeconds && (seconds > 0 || (seconds === 0 && least === '0'))) {
    const milliseconds = Math.max(seconds > 0 ? 1 : 0, Math.round(seconds * 1000));
    return { value: formatDuration(milliseconds), origin: originOf(statement, word) };
  }
  tellWrong(statement, word, { allowed, findings });
  return undefined;
}

/** A BOOL, true when nothing stands there. */
export function readSwitch(statement: Statement, findings: Findings): boolean {
  const [word] = parametersOf(statement);
  if (word === undefined || ['true', 'on', 'yes'].includes(word.text)) return true;
  if (!['false', 'off', 'no'].includes(word.text))
    tellWrong(statement, word, { allowed: 'on, off, true, false, yes, no', findings });
  return false;
}

/** The block behind a keyword; told when there is none, and then it is as if empty. */
export function blockOf(statement: Statement, findings: Findings): readonly Statement[] {
  if (statement.body === undefined)
    findings.error(
      placeOf(statement),
      `${keywordOf(statement)}: a block is missing; allowed: { ... } behind it`,
    );
  return statement.body ?? [];
}
