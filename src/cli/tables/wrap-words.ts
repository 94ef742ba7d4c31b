// Breaks text between words, so that it fits a terminal.

/** Stands in front of every line that continues another one. */
export const CONTINUED = '      ';

/**
 * Breaks a text between its words into lines of at most `width` columns; a longer word has a line of its own.
 * @param taken The columns that something else takes in the first line; left out, every line is a continued one.
 * @returns the lines, each with CONTINUED in front except a first one with `taken`
 */
export function wrapWords(text: string, width: number, taken?: number): string[] {
  const lines = taken === undefined ? [] : [''];
  for (const word of text.split(' ').filter((part) => part !== '')) {
    const at = lines.length - 1;
    const last = lines[at];
    const used = (at === 0 ? (taken ?? 0) : 0) + (last?.length ?? 0);
    const gap = last === '' ? '' : ' ';
    if (last === undefined || used + gap.length + word.length > width) lines.push(CONTINUED + word);
    else lines[at] = `${last}${gap}${word}`;
  }
  return lines;
}
