import {
  type Keyword,
  type Keywords,
  originOf,
  readNumber,
  readSwitch,
  required,
  type Setting,
  tellWrong,
} from './read-values.ts';

/** What a keyword sets: one value by its name. */
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
      target[name] = { value: readSwitch(statement, findings), origin: originOf(statement) };
    },
  };
}

export function number<Name extends string>(
  name: Name,
  range: { from: number; to: number },
): Keyword<Sets<Name, number>> {
  return {
    parameters: 1,
    read: (statement, target, findings): void => {
      target[name] = readNumber(statement, range, findings) ?? target[name];
    },
  };
}

/** A keyword with one word that `read` makes a value of; undefined from it: the word is wrong. */
export function word<Name extends string, Value>(
  name: Name,
  allowed: string,
  read: (text: string) => Value | undefined,
): Keyword<Sets<Name, Value>> {
  return {
    parameters: 1,
    read: (statement, target, findings): void => {
      const found = required(statement, allowed, findings);
      if (found === undefined) return;
      const value = read(found.text);
      if (value === undefined) tellWrong(statement, found, { allowed, findings });
      else target[name] = { value, origin: originOf(statement, found) };
    },
  };
}

/** A keyword with one word, whatever it is. */
export function text<Name extends string>(name: Name, allowed: string): Keyword<Sets<Name, string>> {
  return word(name, allowed, (found) => found);
}

/** Keywords whose values stand in a part of the target. */
export function within<Part extends string, Target>(
  part: Part,
  keywords: Keywords<Target>,
): Keywords<Readonly<Record<Part, Target>>> {
  return Object.fromEntries(
    Object.entries(keywords).map(([name, { parameters, read }]) => [
      name,
      { parameters, read: (statement, target, findings) => read(statement, target[part], findings) },
    ]),
  );
}
