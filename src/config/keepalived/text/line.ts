// A piece of a line that knows the place of each of its characters.
import type { Place } from './place.ts';

/** A piece of a line, before it is cut into words. Knows the column of each character, whatever was put in or taken out. */
export class Line {
  readonly text: string;
  readonly fileName: string;
  readonly line: number;
  readonly #first: number;
  /** The column of each character where they are not simply one after the other. */
  readonly #columns: readonly number[] | undefined;

  constructor(text: string, place: Place, columns?: readonly number[]) {
    this.text = text;
    this.fileName = place.fileName;
    this.line = place.line;
    this.#first = place.column;
    this.#columns = columns;
  }

  place(index = 0): Place {
    const column = this.#columns === undefined ? this.#first + index : this.#columns[index];
    return {
      fileName: this.fileName,
      line: this.line,
      column: column ?? this.#columns?.at(-1) ?? this.#first,
    };
  }

  slice(from: number, to: number = this.text.length): Line {
    return new Line(this.text.slice(from, to), this.place(from), this.#columns?.slice(from, to));
  }

  /** Returns the line without blanks at its ends. */
  trim(): Line {
    const start = /^[ \t\f\v]*/.exec(this.text)?.[0].length ?? 0;
    let end = this.text.length;
    while (end > start && ' \t\f\v'.includes(this.text[end - 1] ?? '')) end--;
    return start === 0 && end === this.text.length ? this : this.slice(start, end);
  }

  /** Returns the line with `text` in place of the part from `from` to `to`; all of `text` has the position of `from`. */
  replace(from: number, to: number, text: string): Line {
    const columns = Array.from({ length: this.text.length }, (_, index) => this.place(index).column);
    columns.splice(from, to - from, ...Array.from(text, () => this.place(from).column));
    return new Line(this.text.slice(0, from) + text + this.text.slice(to), this.place(), columns);
  }
}
