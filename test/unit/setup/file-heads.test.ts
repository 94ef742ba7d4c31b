import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** Folders of src/ whose files do not all have a head yet. */
const OPEN: readonly string[] = [
  'api',
  'cli',
  'config',
  'contract',
  'dataplane',
  'director',
  'health',
  'ipvsadm',
  'lab',
  'linux',
  'net',
  'realserver',
];

/** An optional interpreter line, an optional SPDX line, and one or two lines that describe the file in a sentence. */
const HEAD = /^(#!.*\n)?(\/\/ SPDX-.*\n)?\/\/ [A-Z].*(\n\/\/ .*)?[.:](\n(?!\/\/)|$)/;

function sources(): string[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(join(ROOT, 'src'), join(entry.parentPath, entry.name)));
}

function hasHead(file: string): boolean {
  return HEAD.test(readFileSync(join(ROOT, 'src', file), 'utf8'));
}

test('every source file begins with a line that says what is in it', () => {
  const closed = sources().filter((file) => !OPEN.includes(file.split('/')[0] ?? ''));
  expect(closed.length).toBeGreaterThan(100);
  expect(closed.filter((file) => !hasHead(file))).toEqual([]);
});

test('no two files describe themselves by the same line', () => {
  const lines = sources()
    .filter(hasHead)
    .map((file) => readFileSync(join(ROOT, 'src', file), 'utf8').match(/^\/\/ [A-Z].*$/m)?.[0]);
  expect(lines.filter((line, i) => lines.indexOf(line) !== i)).toEqual([]);
});
