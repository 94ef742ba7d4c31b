// Splits a YAML text at the items of its services, to parse them in parts.

/** A YAML text cut at the items of its `services`; put together again it is the text. */
export interface SplitText {
  /** Up to the first item. */
  readonly head: string;
  /** The items, each from its dash to that of the next. */
  readonly items: readonly string[];
  /** The text from the line of the first key behind the list. */
  readonly tail: string;
}

/**
 * Characters with an effect beyond an item. The second kind counts only where it can begin an anchor or an alias, which may reach
 * into other items.
 */
const BEYOND_ITEMS = /\t|^(?:---|\.\.\.|%)|(?:^|[\s,[{:-])[&*]\S/m;
const SERVICES = /^services:[ ]*(?:#.*)?$/m;

/**
 * Cuts without parsing: in a block sequence what is not further in than its dashes is a new item, or behind the list
 * (YAML 1.2.2, 8.2.1), whatever stands in the items.
 * @returns undefined where the list is written in another way, or where items may depend on each other
 */
export function splitServices(text: string): SplitText | undefined {
  if (BEYOND_ITEMS.test(text)) return undefined;
  const key = SERVICES.exec(text);
  if (key === null) return undefined;
  const starts: number[] = [];
  let indent: number | undefined;
  let at = lineAfter(text, key.index);
  for (; at < text.length; at = lineAfter(text, at)) {
    const first = firstInLine(text, at);
    const character = text[first];
    if (character === undefined || character === '\n' || character === '\r' || character === '#') continue;
    indent ??= first - at;
    if (first - at > indent) continue;
    const isDash = character === '-' && /^[ \r\n]/.test(text[first + 1] ?? '\n');
    if (first - at < indent || (indent === 0 && !isDash)) break;
    if (!isDash) return undefined;
    starts.push(at);
  }
  if (starts.length === 0) return undefined;
  const items = starts.map((start, index) => text.slice(start, starts[index + 1] ?? at));
  return { head: text.slice(0, starts[0]), items, tail: text.slice(at) };
}

function lineAfter(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

function firstInLine(text: string, at: number): number {
  let first = at;
  while (text[first] === ' ') first++;
  return first;
}
