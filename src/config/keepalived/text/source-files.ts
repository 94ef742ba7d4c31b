// The files that a keepalived.conf consists of.
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** The files of a configuration, so that what reads it can be tested without any. */
export interface ConfigFiles {
  /** The text of a file, or why there is none. */
  read(path: string): { readonly text: string } | { readonly fault: string; readonly missing?: boolean };
  /** The files that a pattern with * ? [ ] and { } names, sorted; those it names literally whether they exist or not. */
  match(pattern: string): readonly string[];
  /** Returns one name for each file, in whichever form its path is written. */
  identity(path: string): string;
}

/** A configuration is text that people write, or a script does: more than this is another file by mistake. */
export const MAX_FILE_BYTES: number = 8 * 1024 * 1024;

const EXECUTABLE = 0o111;

export const diskFiles: ConfigFiles = {
  read: (path: string) => {
    try {
      const status = statSync(path);
      // A pipe or a device may have no end; keepalived includes none either.
      if (!status.isFile()) return { fault: 'it is not a regular file' };
      const { size, mode } = status;
      if ((mode & EXECUTABLE) !== 0)
        return { fault: 'it is executable, and keepalived treats it as a program' };
      if (size > MAX_FILE_BYTES) return { fault: tooLarge(size) };
      return { text: readFileSync(path, 'utf8') };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return { fault: 'there is no such file', missing: true };
      return { fault: `cannot be read: ${message}` };
    }
  },
  match: (pattern: string) =>
    expandBraces(pattern).flatMap((path) => (hasWildcard(path) ? matching(path) : [path])),
  identity: (path: string) => {
    try {
      return realpathSync(path);
    } catch {
      return resolve(path);
    }
  },
};

export function tooLarge(size: number): string {
  return `it has ${size} bytes; allowed: up to ${MAX_FILE_BYTES}`;
}

export function hasWildcard(path: string): boolean {
  return /[*?[]/.test(path);
}

function matching(pattern: string): string[] {
  let found = [pattern.startsWith('/') ? '/' : ''];
  for (const part of pattern.split('/').filter((piece) => piece !== '')) {
    found = found.flatMap((directory) => {
      const join = (name: string): string =>
        directory === '' ? name : `${directory.replace(/\/$/, '')}/${name}`;
      return hasWildcard(part) ? entries(directory === '' ? '.' : directory, part).map(join) : [join(part)];
    });
  }
  return found.filter(isFile);
}

function entries(directory: string, part: string): string[] {
  const expression = wildcard(part);
  try {
    const names = readdirSync(directory).filter((name) => expression.test(name));
    return names.filter((name) => !name.startsWith('.') || part.startsWith('.')).sort();
  } catch {
    return [];
  }
}

function wildcard(part: string): RegExp {
  const source = part.replaceAll(/\[[!^]?[^\]]+\]|[\s\S]/g, (piece) => {
    if (piece === '*') return '.*';
    if (piece === '?') return '.';
    if (piece.length > 1) return piece.replace(/^\[[!^]/, '[^').replaceAll('\\', '\\\\');
    return piece.replace(/[\\^$.|+(){}[\]]/, '\\$&');
  });
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    // A range that goes backwards matches nothing.
    return /(?!)/;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

const MAX_ALTERNATIVES = 1000;

/** `{foo/{,cat,dog},bar}`: the outermost braces' alternatives in their order, then those within. */
export function expandBraces(pattern: string): string[] {
  const done: string[] = [];
  const pending = [pattern];
  while (pending.length > 0 && done.length < MAX_ALTERNATIVES) {
    const text = pending.shift() ?? '';
    const from = text.indexOf('{');
    const pieces = from === -1 ? [] : alternatives(text, from);
    if (pieces.length === 0) done.push(text);
    else pending.unshift(...pieces);
  }
  return [...new Set(done)];
}

/** The text with each alternative of the braces that open at `from`; none when they do not close. */
function alternatives(text: string, from: number): string[] {
  const ends = [from];
  let depth = 0;
  for (let index = from; index < text.length; index++) {
    if (text[index] === '{') depth++;
    else if (text[index] === '}') depth--;
    if (depth === 0 || (depth === 1 && text[index] === ',')) ends.push(index);
    if (depth === 0) break;
  }
  const to = ends.at(-1) ?? from;
  if (text[to] !== '}') return [];
  const pieces = ends.slice(1).map((end, index) => text.slice((ends[index] ?? from) + 1, end));
  return pieces.map((piece) => text.slice(0, from) + piece + text.slice(to + 1));
}

export function directoryOf(path: string): string {
  return dirname(path);
}
