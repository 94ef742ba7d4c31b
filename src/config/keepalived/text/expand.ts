// Expands includes, conditions, definitions and repetitions into plain lines.
import { isAbsolute, join, resolve } from 'node:path';
import { type Definition, type Definitions, findReference, type Reference } from './definitions.ts';
import type { Line } from './line.ts';
import { type Findings, type Place, Unreadable } from './place.ts';
import { parseRepetition } from './repetition.ts';
import { type ConfigFiles, directoryOf, hasWildcard } from './source-files.ts';
import { MAX_LINE_LENGTH, sourceLines, withoutComment } from './source-lines.ts';

export interface ExpandOptions {
  readonly files: ConfigFiles;
  readonly findings: Findings;
  /** The value that `@id` conditions are compared with. */
  readonly configId: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const MAX_LINES = 1_000_000;
const MAX_INCLUDES = 32;
/** Definitions in definitions; one that contains itself has no end. */
const MAX_NESTING = 200;
const REPETITIONS =
  '~SEQ(name, [start, [step,]] end) of up to a million values, ~LST(name, value, ...) or ~LST({name, ...}, {value, ...}, ...)';

/**
 * The lines of a configuration as keepalived sees them: files included, conditions decided, definitions
 * replaced, repetitions written out, and each brace that opens or closes a block on a line of its own.
 */
export class Expansion {
  readonly #options: ExpandOptions;
  readonly #definitions: Definitions;
  /** The files that are being read, the innermost last. */
  readonly #open: string[] = [];
  /** The definition whose body is being collected. */
  #body: Line[] | undefined;
  #nesting = 0;
  #lines = 0;

  constructor(options: ExpandOptions) {
    this.#options = options;
    this.#definitions = {
      values: new Map<string, Definition>(),
      directory: () => directoryOf(resolve(this.#open.at(-1) ?? '')),
      configId: options.configId,
      environment: options.environment,
    };
  }

  *read(text: string, fileName: string): Generator<Line> {
    this.#open.push(fileName);
    for (const line of sourceLines(text, fileName, this.#options.findings)) {
      if (this.#body !== undefined) this.#collect(line);
      else yield* this.#feed(line);
    }
    this.#open.pop();
  }

  *#feed(line: Line): Generator<Line> {
    let rest: Line | undefined = line;
    while (rest !== undefined && rest.text !== '') {
      if (++this.#lines > MAX_LINES)
        throw new Unreadable(rest.place(), `this expands to more than ${MAX_LINES} lines`);
      const { text }: Line = rest;
      if (text.startsWith('@')) rest = this.#conditional(rest);
      else {
        const replaced: Iterable<Line> | undefined = this.#replaced(rest);
        if (replaced !== undefined) {
          yield* replaced;
          return;
        }
        const [head, tail]: SplitLine = splitAtBrace(rest);
        yield head;
        rest = tail;
      }
    }
  }

  /** The lines that stand for this one; undefined where it stands for itself. */
  #replaced(line: Line): Iterable<Line> | undefined {
    if (this.#define(line)) return [];
    if (/^~(?:SEQ|LST)/.test(line.text)) return this.#repeat(line);
    const reference = findReference(line.text, this.#definitions);
    if (reference !== undefined) return this.#substitute(line, reference);
    return isInclude(line.text) ? this.#include(line) : undefined;
  }

  /** Returns the rest of a line behind a condition that holds. */
  #conditional(line: Line): Line | undefined {
    const [prefix, negated, id] = /^@(\^?)([^ \t]*)[ \t]+/.exec(line.text) ?? [];
    if (prefix === undefined) return undefined;
    const holds = (id === this.#options.configId) !== (negated === '^');
    return holds ? line.slice(prefix.length) : undefined;
  }

  #define(line: Line): boolean {
    const [prefix, name] = /^\$([A-Za-z_]\w*)=[ \t]*/.exec(line.text) ?? [];
    if (prefix === undefined || name === undefined) return false;
    if (line.text.endsWith('\\')) {
      this.#body = [];
      this.#definitions.values.set(name, this.#body);
      this.#collect(line.slice(prefix.length));
    } else this.#definitions.values.set(name, line.text.slice(prefix.length));
    return true;
  }

  #collect(line: Line): void {
    const continues = line.text.endsWith('\\');
    const content = continues ? line.slice(0, line.text.length - 1).trim() : line;
    if (content.text !== '') this.#body?.push(content);
    if (!continues) this.#body = undefined;
  }

  *#repeat(line: Line): Generator<Line> {
    // The bounds may be definitions; what is repeated is replaced at each turn.
    let head = line;
    const close = (): number => head.text.indexOf(')') + 1;
    for (let round = 0; round < MAX_NESTING; round++) {
      const reference = findReference(head.text.slice(0, close()), this.#definitions);
      if (reference === undefined || typeof reference.value !== 'string') break;
      head = this.#checked(head.replace(reference.from, reference.to, reference.value));
    }
    const repetition = parseRepetition(head.text);
    if (repetition === undefined || repetition === 'too many') {
      const { findings } = this.#options;
      const message = `this repetition cannot be read; allowed: ${REPETITIONS}`;
      if (repetition === 'too many') findings.error(head.place(), message);
      else findings.complain(head.place(), `${message}; ignored, as in keepalived`);
      return;
    }
    const rest = head.slice(repetition.end);
    for (const values of repetition.values) {
      for (const [index, name] of repetition.names.entries())
        this.#definitions.values.set(name, values[index] ?? '');
      yield* this.#nested(rest);
    }
  }

  *#substitute(line: Line, { from, to, value, unset }: Reference): Generator<Line> {
    if (unset !== undefined)
      this.#options.findings.warn(
        line.place(from),
        `the environment has no variable ${unset}; read as empty`,
      );
    if (typeof value === 'string') {
      // A definition may be the character that begins a comment.
      const { findings } = this.#options;
      yield* this.#nested(withoutComment(this.#checked(line.replace(from, to, value)), findings));
      return;
    }
    const [first, ...others] = value;
    // Words of a body are placed in the body, where they can be corrected.
    const alone = from === 0 && first !== undefined;
    const joined = alone ? first : this.#checked(line.replace(from, to, first?.text ?? '')).trim();
    for (const next of [joined, ...others]) {
      if (this.#body === undefined) yield* this.#nested(next);
      else this.#collect(next);
    }
  }

  *#nested(line: Line): Generator<Line> {
    if (++this.#nesting > MAX_NESTING)
      throw new Unreadable(
        line.place(),
        `definitions are nested more than ${MAX_NESTING} deep; fix: look for a definition that contains itself`,
      );
    yield* this.#feed(line);
    this.#nesting--;
  }

  #checked(line: Line): Line {
    if (line.text.length <= MAX_LINE_LENGTH) return line;
    throw new Unreadable(line.place(), `the line expands to more than ${MAX_LINE_LENGTH} characters`);
  }

  *#include(line: Line): Generator<Line> {
    const [prefix = '', variant = ''] = /^include([rmwba]?)[ \t]+/.exec(line.text) ?? [];
    const pattern = line.text.slice(prefix.length);
    const place = line.place(prefix.length);
    const path = isAbsolute(pattern) ? pattern : join(directoryOf(this.#open.at(-1) ?? ''), pattern);
    const found = this.#options.files.match(path);
    if (found.length === 0 && hasWildcard(path) && 'wa'.includes(variant) && variant !== '')
      this.#options.findings.error(place, `include${variant} ${pattern}: no file matches`);
    for (const file of found) yield* this.#includeFile(file, place, variant);
  }

  *#includeFile(path: string, place: Place, variant: string): Generator<Line> {
    const { files, findings } = this.#options;
    const chain = this.#open.map((name) => files.identity(name));
    if (chain.includes(files.identity(path))) {
      findings.error(place, `include ${path}: the file includes itself, through ${this.#open.join(' > ')}`);
      return;
    }
    if (chain.length >= MAX_INCLUDES)
      throw new Unreadable(place, `includes are nested more than ${MAX_INCLUDES} deep`);
    const outcome = files.read(path);
    if ('text' in outcome) yield* this.read(outcome.text, path);
    else {
      const message = `include${variant} ${path}: ${outcome.fault}; allowed: a file that can be read`;
      // Without a letter keepalived logs the fault and continues; with one it ends, except for a file that `includer` does not find.
      const ends = outcome.missing === true ? 'mwa' : 'rmwab';
      if (variant !== '' && ends.includes(variant)) findings.error(place, message);
      else findings.complain(place, `${message}; ignored, as in keepalived`);
    }
  }
}

function isInclude(text: string): boolean {
  return /^include[rmwba]?[ \t]/.test(text);
}

type SplitLine = readonly [head: Line, tail: Line | undefined];

/** A brace ends what stands before it, and nothing stands behind it in its line. */
function splitAtBrace(line: Line): SplitLine {
  const { text } = line;
  if (text.startsWith('{') || text.startsWith('}')) return [line.slice(0, 1), line.slice(1).trim()];
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '"') {
      index = text.indexOf('"', index + 1);
      if (index === -1) break;
    } else if (text[index] === '{' || text[index] === '}')
      return [line.slice(0, index).trim(), line.slice(index)];
  }
  return [line, undefined];
}
