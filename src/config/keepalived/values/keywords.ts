// Makers of keywords that set a value of a usual kind.
import type { Range } from './c-number.ts';
import {
  expected,
  type Keyword,
  type Keywords,
  originOf,
  readNumber,
  readSwitch,
  required,
  type Setting,
  tellWrong,
} from './read-values.ts';

/** The value that a keyword sets, by its name. */
type Sets<Name extends string, Value> = { [name in Name]?: Setting<Value> | undefined };

/** A keyword that says yes by standing there; keepalived looks at nothing behind it. */
export function flag<Name extends string>(name: Name): Keyword<Sets<Name, boolean>> {
  return {
    parameters: 0,
    read: (statement, target): void => {
      target[name] = { value: true, origin: originOf(statement) };
    },
  };
}

/** A keyword with a BOOL behind it. */
export function toggle<Name extends string>(name: Name): Keyword<Sets<Name, boolean>> {
  return {
    parameters: 1,
    read: (statement, target, findings): void => {
      const value = readSwitch(statement, findings);
      if (value !== undefined) target[name] = { value, origin: originOf(statement) };
    },
  };
}

export function number<Name extends string>(
  name: Name,
  range: Range,
  options: { lenient?: boolean; signed?: boolean } = {},
): Keyword<Sets<Name, number>> {
  return {
    parameters: 1,
    read: (statement, target, findings): void => {
      target[name] = readNumber(statement, range, findings, options) ?? target[name];
    },
  };
}

/** The effect of a keyword without a word behind it: keepalived ends, or continues without the keyword. */
type Missing = 'ends' | 'ignored';

/** A keyword with one word that `read` makes a value of; undefined from it: the word is wrong. */
export function word<Name extends string, Value>(
  name: Name,
  allowed: string,
  read: (text: string) => Value | undefined,
  missing: Missing = 'ends',
): Keyword<Sets<Name, Value>> {
  return {
    parameters: 1,
    read: (statement, target, findings): void => {
      const found = (missing === 'ends' ? required : expected)(statement, allowed, findings);
      if (found === undefined) return;
      const value = read(found.text);
      if (value === undefined) tellWrong(statement, found, { allowed, findings });
      else target[name] = { value, origin: originOf(statement, found) };
    },
  };
}

/** A keyword with one word, whatever it is. */
export function text<Name extends string>(
  name: Name,
  allowed: string,
  missing: Missing = 'ends',
): Keyword<Sets<Name, string>> {
  return word(name, allowed, (found) => found, missing);
}

/** Keywords whose values stand in a part of the target. */
export function within<Part extends string, Target>(
  part: Part,
  keywords: Keywords<Target>,
): Keywords<Readonly<Record<Part, Target>>> {
  return Object.fromEntries(
    Object.entries(keywords).map(([name, keyword]) => [
      name,
      {
        ...keyword,
        read: (statement, target, findings) => keyword.read(statement, target[part], findings),
      },
    ]),
  );
}
