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
import { type IssuePath, invalidConfig, type LocatedIssue } from '../validate/issue.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A YAML file as plain values, with the place of each. */
export interface YamlSource {
  readonly value: unknown;
  /** Faults that left the structure readable: duplicate keys. */
  readonly issues: readonly LocatedIssue[];
  /** The place of the value at `path`, or of its nearest parent; `key`: the place of the last element's name. */
  locate(path: IssuePath, part: 'key' | 'value'): Position;
}

/** @throws CulvertError CONFIG_INVALID when the text is empty or not YAML. */
export function readYaml(text: string, fileName: string): YamlSource {
  rejectBinary(text, fileName);
  const lines = new LineCounter();
  const fail = (message: string): never => {
    throw invalidConfig(fileName, [{ line: 1, column: 1, message }]);
  };
  const document = parse(text, lines, fail);
  const issues = [...document.errors, ...document.warnings].map((error) => ({
    ...position(lines, error.pos[0]),
    message: describeYamlError(error.code, error.message),
  }));
  const readable = document.errors.every((error) => error.code === 'DUPLICATE_KEY');
  if (!readable || document.warnings.length > 0) throw invalidConfig(fileName, issues);
  const dangling = danglingAliases(document).map((alias) => ({
    ...position(lines, startOf(alias) ?? 0),
    message: `not YAML: there is no anchor &${alias.source} before this alias`,
  }));
  if (dangling.length > 0) throw invalidConfig(fileName, [...issues, ...dangling]);
  if (document.contents === null) fail('the file is empty; allowed: a mapping with director and services');
  return {
    value: toPlain(document, fail),
    issues,
    locate: (path, part) => position(lines, offsetOf(document, path, part)),
  };
}

function parse(text: string, lines: LineCounter, fail: (message: string) => never): Document {
  try {
    return parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  } catch (error) {
    // Nesting of thousands of levels exhausts the stack of the parser.
    return fail(`cannot be parsed as YAML: ${(error as Error).message}`);
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

function toPlain(document: Document, fail: (message: string) => never): unknown {
  try {
    return document.toJS({ maxAliasCount: 1000 });
  } catch (error) {
    return fail(`cannot be converted from YAML: ${(error as Error).message}`);
  }
}

function describeYamlError(code: string, message: string): string {
  const text = message.replaceAll(/\s+/g, ' ').trim();
  return code === 'DUPLICATE_KEY'
    ? 'the key appears twice in this mapping; allowed: once'
    : `not YAML: ${text}`;
}

/** A NUL or the like never belongs in a configuration; saying so beats a page of parser errors. */
function rejectBinary(text: string, fileName: string): void {
  const control = /(?![\t\n\r\x85])[\p{Cc}\ufffd]/u.exec(text);
  if (control === null) return;
  const before = text.slice(0, control.index).split('\n');
  const code = control[0].charCodeAt(0).toString(16).padStart(4, '0');
  const message = `found the character U+${code.toUpperCase()}; allowed: a text file in YAML, encoded as UTF-8`;
  throw invalidConfig(fileName, [{ line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message }]);
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
