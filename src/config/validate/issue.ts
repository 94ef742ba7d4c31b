// The issues of a configuration, and their texts with positions.
import { CulvertError } from '../../errors.ts';

export type IssuePath = readonly (string | number)[];

/** A fault of a configuration, before its place in the file is known. */
export interface ConfigIssue {
  /** The value that is wrong, or the mapping in which something is missing. */
  readonly path: IssuePath;
  /** The value found and the values allowed. */
  readonly message: string;
  /** True: the name of the last path element is wrong, not its value. */
  readonly atKey?: boolean;
}

/** A fault at a place in a file; line and column count from 1. */
export interface LocatedIssue {
  /** The name of an included file; undefined if the fault is in the file that was asked for. */
  readonly fileName?: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** More lines than this hide the first ones from the operator. */
const MAX_REPORTED = 100;

/** Returns one error for all issues, in the order of the file, one line each. */
export function invalidConfig(fileName: string, issues: readonly LocatedIssue[]): CulvertError {
  const [first] = inOrder(fileName, issues);
  const reported = issueLines(fileName, issues, 'errors');
  const where = first === undefined ? fileName : placeIn(fileName, first);
  return new CulvertError('CONFIG_INVALID', reported.join('\n').slice(where.length + 2), { where });
}

/** Returns one line for each issue, in the order of the file, and how many there are beyond the first hundred. */
export function issueLines(
  fileName: string,
  issues: readonly LocatedIssue[],
  kind: 'errors' | 'warnings',
): string[] {
  const sorted = inOrder(fileName, issues);
  // A parser that has lost its way says the same thing many times.
  const lines = [...new Set(sorted.map((issue) => `${placeIn(fileName, issue)}: ${issue.message}`))];
  if (lines.length <= MAX_REPORTED) return lines;
  return [...lines.slice(0, MAX_REPORTED), `... and ${lines.length - MAX_REPORTED} more ${kind}`];
}

/** The file itself first, then what it includes, in the order in which they are read. */
function inOrder(fileName: string, issues: readonly LocatedIssue[]): LocatedIssue[] {
  const fileOf = (issue: LocatedIssue): string => issue.fileName ?? fileName;
  const files = [...new Set([fileName, ...issues.map(fileOf)])];
  const order = new Map(files.map((file, index) => [file, index]));
  const rank = (issue: LocatedIssue): number => order.get(fileOf(issue)) ?? 0;
  return issues.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
}

function placeIn(fileName: string, issue: LocatedIssue): string {
  return `${issue.fileName ?? fileName}:${issue.line}:${issue.column}`;
}

/** `services[2].reals[0].weight`; empty for the whole file. */
export function formatPath(path: IssuePath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** Describes a value in an operator's words. */
export function describeFound(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return JSON.stringify(value);
  return `'${value.length > 60 ? `${value.slice(0, 57)}...` : value}'`.replaceAll(/\s+/g, ' ');
}
