import type { LocatedIssue } from '../issue.ts';

/** Where something stands in a file; line and column count from 1. */
export interface Place {
  readonly fileName: string;
  readonly line: number;
  readonly column: number;
}

/** What is found while a keepalived.conf is read: errors, and what it says that culvert does not need. */
export class Findings {
  readonly errors: LocatedIssue[] = [];
  readonly warnings: LocatedIssue[] = [];

  /** What is wrong in a place is told once, by who sees it first: words are cut out of lines that were read before. */
  error(place: Place, message: string): void {
    const last = this.errors.at(-1);
    if (last === undefined || !isSamePlace(last, at(place))) this.errors.push({ ...at(place), message });
  }

  warn(place: Place, message: string): void {
    this.warnings.push({ ...at(place), message });
  }
}

/** What ends the reading at once: more of the file would only be more of the same. */
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
