// Places in files, and what is found there: errors and warnings.
import type { LocatedIssue } from '../../validate/issue.ts';

/** A position in a file; line and column count from 1. */
export interface Place {
  readonly fileName: string;
  readonly line: number;
  readonly column: number;
}

/** Looks up names of this machine: keepalived ignores a command of an unknown user, and one whose program does not exist. */
export interface HostLookup {
  /** False: nothing was looked up, as for another machine. */
  readonly isKnown: boolean;
  /** Returns why there is no such `USER` or `USER:GROUP`; undefined where it exists, or was not looked up. */
  userFault(account: string): string | undefined;
  /** Returns why there is no such program; undefined where it exists, or was not looked up. */
  programFault(program: string): string | undefined;
}

const NOT_ASKED: HostLookup = {
  isKnown: false,
  userFault: () => undefined,
  programFault: () => undefined,
};

/** The errors and warnings of a keepalived.conf, each with its place. */
export class Findings {
  readonly errors: LocatedIssue[] = [];
  readonly warnings: LocatedIssue[] = [];
  readonly lookup: HostLookup;
  readonly #strict: boolean;
  /** The places of errors. */
  readonly #places = new Set<string>();

  /** @param strict Whether what keepalived logs and then goes on without is an error (`check --strict`). */
  constructor(strict = false, lookup: HostLookup = NOT_ASKED) {
    this.#strict = strict;
    this.lookup = lookup;
  }

  /** Adds an error, only one for each place: a word is cut out of a line that another reader saw before. */
  error(place: Place, message: string): void {
    const key = `${place.fileName}:${place.line}:${place.column}`;
    if (!this.#places.has(key)) this.errors.push({ ...at(place), message });
    this.#places.add(key);
  }

  /** Reports something that keepalived logs and ignores: culvert warns and does the same. */
  complain(place: Place, message: string): void {
    if (this.#strict) this.error(place, message);
    else this.warn(place, message);
  }

  warn(place: Place, message: string): void {
    this.warnings.push({ ...at(place), message });
  }
}

/** Ends the reading at once: more of the file would only be more of the same. */
export class Unreadable extends Error {
  readonly issue: LocatedIssue;

  constructor(place: Place, message: string) {
    super(message);
    this.issue = { ...at(place), message };
  }
}

export function isSamePlace(a: Partial<Place>, b: Partial<Place>): boolean {
  return a.fileName === b.fileName && a.line === b.line && a.column === b.column;
}

function at({ fileName, line, column }: Place): Place {
  return { fileName, line, column };
}
