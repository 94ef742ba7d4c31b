import { CulvertError } from '../errors.ts';

export type IssuePath = readonly (string | number)[];

/** Something wrong in a configuration, before its place in the file is known. */
export interface ConfigIssue {
  /** The value that is wrong, or the mapping in which something is missing. */
  readonly path: IssuePath;
  /** What was found and what is allowed. */
  readonly message: string;
  /** True: the name of the last path element is wrong, not its value. */
  readonly atKey?: boolean;
}

/** Something wrong at a place of a file; line and column count from 1. */
export interface LocatedIssue {
  /** Where it is not the file that was asked for, but one that it includes. */
  readonly fileName?: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** More lines than this hide the first ones from the operator. */
const MAX_REPORTED = 100;

/** One error for all issues, in the order of the file, one line each. */
export function invalidConfig(fileName: string, issues: readonly LocatedIssue[]): CulvertError {
  const fileOf = (issue: LocatedIssue): string => issue.fileName ?? fileName;
  // The file itself first, then what it includes, in the order in which it was come to.
  const files = [...new Set([fileName, ...issues.map(fileOf)])];
  const order = new Map(files.map((file, index) => [file, index]));
  const rank = (issue: LocatedIssue): number => order.get(fileOf(issue)) ?? 0;
  const sorted = issues.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
  const place = (issue: LocatedIssue): string => `${fileOf(issue)}:${issue.line}:${issue.column}`;
  // A parser that has lost its way says the same thing many times.
  const lines = [...new Set(sorted.map((issue) => `${place(issue)}: ${issue.message}`))];
  const reported = lines.slice(0, MAX_REPORTED);
  if (lines.length > MAX_REPORTED) reported.push(`... and ${lines.length - MAX_REPORTED} more errors`);
  const where = sorted[0] === undefined ? fileName : place(sorted[0]);
  return new CulvertError('CONFIG_INVALID', reported.join('\n').slice(where.length + 2), { where });
}

/** `services[2].reals[0].weight`; empty for the whole file. */
export function formatPath(path: IssuePath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** What a value is, in an operator's words. */
export function describeFound(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return JSON.stringify(value);
  return `'${value.length > 60 ? `${value.slice(0, 57)}...` : value}'`.replaceAll(/\s+/g, ' ');
}
