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

  error(place: Place, message: string): void {
    this.errors.push({ ...at(place), message });
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

function at({ fileName, line, column }: Place): Place {
  return { fileName, line, column };
}
