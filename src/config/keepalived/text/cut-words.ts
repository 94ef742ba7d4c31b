// Cuts a line into words as keepalived does.
import type { Line } from './line.ts';
import type { Findings, Place } from './place.ts';

const IGNORED = 'ignored, as in keepalived';

export interface Word {
  readonly text: string;
  readonly place: Place;
  /** True if the word begins with a quotation mark; known only for words with escapes. */
  readonly quoted?: boolean;
}

const BLANK = /[ \t\f\v\r]/;

/** Cuts a line into words as keepalived does: a quotation is a word of its own, and there are no escapes. */
export function plainWords(line: Line, findings: Findings): Word[] {
  const words: Word[] = [];
  const { text } = line;
  for (let index = 0; index < text.length; ) {
    if (BLANK.test(text[index] ?? '')) {
      index++;
      continue;
    }
    const quoted = text[index] === '"';
    const start = quoted ? index + 1 : index;
    const end = quoted ? text.indexOf('"', start) : endOfWord(text, start);
    if (end === -1) {
      findings.complain(
        line.place(index),
        `the quotation that begins here does not end; allowed: "..."; ${IGNORED}`,
      );
      return words;
    }
    words.push({ text: text.slice(start, end), place: line.place(index) });
    index = quoted ? end + 1 : end;
  }
  return words;
}

function endOfWord(text: string, from: number): number {
  let end = from;
  while (end < text.length && text[end] !== '"' && !BLANK.test(text[end] ?? '')) end++;
  return end;
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/**
 * Cuts commands, paths and regular expressions into words: with both kinds of quotes, anywhere in a word, and escapes as in a
 * shell.
 */
export function escapedWords(line: Line, findings: Findings): Word[] {
  const words: Word[] = [];
  const { text } = line;
  let word: string | undefined;
  let start = 0;
  let quote = '';
  for (let index = 0; index < text.length; ) {
    const character = text[index] ?? '';
    if (quote === '' && BLANK.test(character)) {
      if (word !== undefined) words.push(wordAt(line, start, word));
      word = undefined;
      index++;
      continue;
    }
    if (word === undefined) start = index;
    word ??= '';
    if (character === '\\') {
      const { value, length } = readEscape(text.slice(index + 1));
      word += value;
      index += 1 + length;
    } else {
      if (character === quote) quote = '';
      else if (quote === '' && (character === '"' || character === "'")) quote = character;
      else word += character;
      index++;
    }
  }
  if (word !== undefined) words.push(wordAt(line, start, word));
  if (quote !== '')
    findings.complain(
      line.place(start),
      `the quotation does not end; allowed: ${quote}...${quote}; the keyword is ${IGNORED}`,
    );
  return quote === '' ? words : [];
}

function wordAt(line: Line, start: number, text: string): Word {
  return { text, place: line.place(start), quoted: line.text[start] === '"' || line.text[start] === "'" };
}

/** Returns the value of the escape that `rest` begins with, behind its backslash. */
function readEscape(rest: string): { value: string; length: number } {
  const [, hex] = /^x([0-9a-fA-F]+)/.exec(rest) ?? [];
  if (hex !== undefined)
    return { value: String.fromCharCode(Number.parseInt(hex.slice(-2), 16)), length: hex.length + 1 };
  const [octal] = /^[0-7]{1,3}/.exec(rest) ?? [];
  if (octal !== undefined)
    return { value: String.fromCharCode(Number.parseInt(octal, 8) & 0xff), length: octal.length };
  if (rest[0] === 'c' && rest.length > 1)
    return { value: String.fromCharCode(rest.charCodeAt(1) & 0x1f), length: 2 };
  const first = rest[0] ?? '';
  return { value: NAMED_ESCAPES[first] ?? first, length: 1 };
}
