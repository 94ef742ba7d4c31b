// Makes text of servers, files and users fit for terminals and logs.

/**
 * Control characters; halves of surrogate pairs; what orders text from right to left, joins or separates characters or
 * lines without being seen; byte order marks, annotations and tags. Written as escapes, so that this file is readable.
 */
const UNPRINTABLE =
  '\\p{Cc}\\p{Cs}\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}';
const IN_TEXT = new RegExp(`(?![\\t\\n]|\\r\\n)[${UNPRINTABLE}]`, 'gu');
/** The escape sequences of `styleFor()`, then all unprintable characters. */
const IN_STYLED_TEXT = new RegExp(`\\x1b\\[(?:0|1|2|31|32|33|36)m|${IN_TEXT.source}`, 'gu');
const IN_JSON = new RegExp(`(?!\\n)[${UNPRINTABLE}]`, 'gu');
const ESC = '\x1b';

/**
 * Text of other programs as it may go to logs, terminals and environments: it could clear the screen, or show other text
 * than it is, and a command whose environment has a zero byte is not run at all. Tabs and ends of lines are left.
 */
export function printableText(text: string): string {
  return text.replaceAll(IN_TEXT, '\ufffd');
}

/** The same as `printableText`, but keeps the colours of `styleFor()`. */
export function printableStyledText(text: string): string {
  return text.replaceAll(IN_STYLED_TEXT, (found) =>
    found.length > 1 && found[0] === ESC ? found : '\ufffd',
  );
}

/** JSON of the same value without a character that is unprintable: they are escaped, so that nothing is lost. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replaceAll(IN_JSON, (character) =>
    Array.from({ length: character.length }, (_, index) => {
      const digits = character.charCodeAt(index).toString(16).padStart(4, '0');
      return `\\u${digits}`;
    }).join(''),
  );
}
