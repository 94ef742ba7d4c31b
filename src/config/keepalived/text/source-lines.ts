// The lines of a file, without comments.
import { Line } from './line.ts';
import { type Findings, Unreadable } from './place.ts';

/** keepalived reads 1023 characters at a time; this is a file's worth of one definition. */
export const MAX_LINE_LENGTH = 16_384;

/** The lines of a file without comments and blanks around them. An empty line stays: it ends a definition. */
export function* sourceLines(text: string, fileName: string, findings: Findings): Generator<Line> {
  let line = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const raw = text.slice(start, end).replace(/\r+$/, '');
    line++;
    start = end + 1;
    const place = { fileName, line, column: 1 };
    rejectBinary(raw, place);
    if (raw.length > MAX_LINE_LENGTH)
      throw new Unreadable(place, `the line has ${raw.length} characters; allowed: up to ${MAX_LINE_LENGTH}`);
    const bare = readTwice(new Line(raw, place), findings);
    // A line of nothing but a comment is as if it were not there; an empty one ends a definition.
    if (bare.text !== '' || raw === '') yield bare;
  }
}

/** Its parent process takes comments out, and writes what is left for the others, which do it again: `\\#` has become `#`. */
function readTwice(line: Line, findings: Findings): Line {
  const once = withoutComment(line, findings);
  const twice = withoutComment(once, findings);
  if (twice.text.length < once.text.length)
    findings.warn(
      once.place(twice.text.length),
      '\\# and \\! begin a comment, as in keepalived, which reads the line twice; fix: use ${_HASH} or ${_BANG} for the characters',
    );
  return twice;
}

function rejectBinary(raw: string, place: { fileName: string; line: number }): void {
  const control = /(?![\t\f\v\r])\p{Cc}|\uFEFF/u.exec(raw);
  if (control === null) return;
  const code = control[0].charCodeAt(0).toString(16).padStart(4, '0').toUpperCase();
  throw new Unreadable(
    { ...place, column: control.index + 1 },
    `found the character U+${code}; allowed: a text file in keepalived's format`,
  );
}

/** Takes away the comment, and the backslash of `\#` and `\!`. A comment begins anywhere but in double quotes. */
export function withoutComment(source: Line, findings: Findings): Line {
  let line = source.trim();
  let quote: number | undefined;
  for (let index = 0; index < line.text.length; index++) {
    const character = line.text[index];
    if (character === '"') quote = quote === undefined ? index : undefined;
    else if (character === '\\') {
      if (quote === undefined && /[#!]/.test(line.text[index + 1] ?? ''))
        line = line.replace(index, index + 1, '');
      else index++;
    } else if (quote === undefined && (character === '#' || character === '!')) {
      return continued(line, index);
    }
  }
  if (quote !== undefined) {
    findings.complain(
      line.place(quote),
      'the quotation that begins here does not end in this line; allowed: "..."; read as in keepalived',
    );
  }
  return line;
}

/** A comment may stand before the backslash that continues a definition. */
function continued(line: Line, comment: number): Line {
  const bare = line.slice(0, comment).trim();
  return line.text.endsWith('\\') ? bare.replace(bare.text.length, bare.text.length, '\\') : bare;
}
