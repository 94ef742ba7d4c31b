import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const ARCHITECTURE = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
const MOST_FILES = 15;

/** Lowest first, as the list of ARCHITECTURE.md has them; '' for the files of src/ itself. */
const LAYERS = [...ARCHITECTURE.matchAll(/^\| `src\/(\*\.ts|\w+)` \|/gm)].map(([, name]) =>
  name === '*.ts' ? '' : name,
);

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+\.ts)'/g;

/** Each source with the sources that it imports, types included. */
const imports = new Map(sources().map((file) => [file, importsOf(file)]));

function sources(): string[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, path = '']) => join(dirname(file), path));
}

function layerOf(file: string): number {
  const [, folder = '', below] = file.split('/');
  return LAYERS.indexOf(below === undefined ? '' : folder);
}

test('ARCHITECTURE.md lists every layer', () => {
  expect(LAYERS.length).toBeGreaterThan(10);
  expect([...imports.keys()].filter((file) => layerOf(file) < 0)).toEqual([]);
});

const isLab = (line: string): boolean => line.startsWith('src/cli/commands/operate/lab.ts -> src/lab/');

test('no file imports from a higher layer, types included', () => {
  const upward = [...imports].flatMap(([file, targets]) =>
    targets.filter((target) => layerOf(target) > layerOf(file)).map((target) => `${file} -> ${target}`),
  );
  expect(upward.filter((line) => !isLab(line))).toEqual([]);
});

test('no files import each other in a circle, types included', () => {
  expect(circles()).toEqual([]);
});

/** One circle for each file that a walk comes back to. */
function circles(): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file) || path.includes(file)) return;
    path.push(file);
    for (const target of imports.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of imports.keys()) visit(file);
  return found;
}

test(`a folder has at most ${MOST_FILES} sources`, () => {
  const sizes = new Map<string, number>();
  for (const file of imports.keys()) sizes.set(dirname(file), (sizes.get(dirname(file)) ?? 0) + 1);
  expect([...sizes].filter(([, count]) => count > MOST_FILES)).toEqual([]);
});

const isNamed = (file: string): boolean => /^src\/(?:cli\/commands|health\/probes)\//.test(file);

test('two sources of one name are a command and what it runs, or a probe and its protocol', () => {
  const places = new Map<string, string[]>();
  for (const file of imports.keys()) {
    const name = file.slice(file.lastIndexOf('/') + 1);
    places.set(name, [...(places.get(name) ?? []), file]);
  }
  const confusing = [...places.values()].filter((files) => files.filter((file) => !isNamed(file)).length > 1);
  expect(confusing).toEqual([]);
});

test('each folder of unit tests is that of a source folder, or named after one of its files', () => {
  const folders = readdirSync(join(ROOT, 'test/unit'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => relative(join(ROOT, 'test/unit'), entry.parentPath));
  const known = new Set([...imports.keys()].flatMap((file) => [...above(file), file.replace(/\.ts$/, '')]));
  const unknown = [...new Set(folders)].filter((folder) => folder !== 'setup' && !known.has(`src/${folder}`));
  expect(unknown).toEqual([]);
});

function above(file: string): string[] {
  const folder = dirname(file);
  return folder === '.' ? [] : [folder, ...above(folder)];
}
