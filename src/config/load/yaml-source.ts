// A YAML text as plain values, with the place of each.
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import type { IssuePath, LocatedIssue } from '../validate/issue.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A YAML file as plain values, with the place of each. */
export interface YamlSource {
  /** The values; undefined where the text cannot be read. There are issues then. */
  readonly value: unknown;
  /** Faults of the text; those beside values are duplicate keys. */
  readonly issues: readonly LocatedIssue[];
  /** The place of the value at `path`, or of its nearest parent; `key`: the place of the last element's name. */
  locate(path: IssuePath, part: 'key' | 'value'): Position;
}

export function readYaml(text: string): YamlSource {
  const binary = findBinary(text);
  if (binary !== undefined) return unreadable([binary]);
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
    return sourceOf(document, lines);
  } catch (error) {
    // Nesting of thousands of levels exhausts the stack of the parser.
    return unreadable([atStart(`cannot be parsed as YAML: ${(error as Error).message}`)]);
  }
}

function unreadable(issues: readonly LocatedIssue[]): YamlSource {
  return { value: undefined, issues, locate: () => ({ line: 1, column: 1 }) };
}

function atStart(message: string): LocatedIssue {
  return { line: 1, column: 1, message };
}

function sourceOf(document: Document, lines: LineCounter): YamlSource {
  const issues = [...document.errors, ...document.warnings].map((error) => ({
    ...position(lines, error.pos[0]),
    message: describeYamlError(error.code, error.message),
  }));
  const parsed = document.errors.every((error) => error.code === 'DUPLICATE_KEY');
  if (!parsed || document.warnings.length > 0) return unreadable(issues);
  const dangling = danglingAliases(document).map((alias) => ({
    ...position(lines, startOf(alias) ?? 0),
    message: `not YAML: there is no anchor &${alias.source} before this alias`,
  }));
  if (dangling.length > 0) return unreadable([...issues, ...dangling]);
  if (document.contents === null)
    return unreadable([atStart('the file is empty; allowed: a mapping with director and services')]);
  try {
    const value: unknown = document.toJS({ maxAliasCount: 1000 });
    return { value, issues, locate: (path, part) => position(lines, offsetOf(document, path, part)) };
  } catch (error) {
    return unreadable([atStart(`cannot be converted from YAML: ${(error as Error).message}`)]);
  }
}

function danglingAliases(document: Document): Alias[] {
  const dangling: Alias[] = [];
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document) === undefined) dangling.push(alias);
    },
  });
  return dangling;
}

function describeYamlError(code: string, message: string): string {
  const text = message.replaceAll(/\s+/g, ' ').trim();
  return code === 'DUPLICATE_KEY'
    ? 'the key appears twice in this mapping; allowed: once'
    : `not YAML: ${text}`;
}

/** A NUL or the like never belongs in a configuration; saying so beats a page of parser errors. */
function findBinary(text: string): LocatedIssue | undefined {
  const control = /(?![\t\n\r\x85])[\p{Cc}\ufffd]/u.exec(text);
  if (control === null) return undefined;
  const before = text.slice(0, control.index).split('\n');
  const code = control[0].charCodeAt(0).toString(16).padStart(4, '0');
  const message = `found the character U+${code.toUpperCase()}; allowed: a text file in YAML, encoded as UTF-8`;
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message };
}

function position(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return line === 0 ? { line: 1, column: 1 } : { line, column: col };
}

function offsetOf(document: Document, path: IssuePath, part: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    const child = childOf(resolve(node, document), step);
    const last = depth === path.length - 1;
    offset =
      (last && part === 'key' ? startOf(child?.key) : startOf(child?.value)) ?? startOf(child?.key) ?? offset;
    if (child === undefined) return offset;
    node = child.value;
  }
  return offset;
}

function childOf(node: unknown, step: string | number): { key: unknown; value: unknown } | undefined {
  if (isSeq(node) && typeof step === 'number') return { key: undefined, value: node.items[step] };
  if (!isMap(node)) return undefined;
  return node.items.find((pair) => (isScalar(pair.key) ? String(pair.key.value) : pair.key) === step);
}

function resolve(node: unknown, document: Document): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
