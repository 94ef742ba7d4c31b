import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeUpOrphans } from '../../../../src/director/state/orphaned-state.ts';

const BOOTED_MS = Date.parse('2026-01-02T00:00:00Z');
const BEFORE = new Date(BOOTED_MS - 1000);
const SINCE = new Date(BOOTED_MS + 1000);
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-orphans-'));
});

afterEach(() => rm(directory, { recursive: true }));

async function has(name: string, changed: Date): Promise<void> {
  await writeFile(join(directory, name), name);
  await utimes(join(directory, name), changed, changed);
}

function takeUp(stateDirectory = directory): Promise<readonly string[]> {
  const names = { instance: 'eth0', localInstance: 'eth0@7' };
  return takeUpOrphans({ stateDirectory, ...names, bootedMs: BOOTED_MS });
}

test('the files of one director of an earlier boot go on under the new name', async () => {
  await has('eth0@3.json', BEFORE);
  await has('eth0@3.applied.json', BEFORE);
  await has('eth0.json', BEFORE);
  await has('eth1@3.json', BEFORE);
  expect(await takeUp()).toHaveLength(2);
  expect((await readdir(directory)).sort()).toEqual([
    'eth0.json',
    'eth0@7.applied.json',
    'eth0@7.json',
    'eth1@3.json',
  ]);
  expect(await readFile(join(directory, 'eth0@7.json'), 'utf8')).toBe('eth0@3.json');
});

test("the files of several directors are nobody's, and are removed", async () => {
  await has('eth0@3.json', BEFORE);
  await has('eth0@4.json', BEFORE);
  expect(await takeUp()).toEqual([]);
  expect(await readdir(directory)).toEqual([]);
});

test("a director that has files of its own keeps them, and those of this boot are others'", async () => {
  await has('eth0@3.json', BEFORE);
  await has('eth0@7.json', SINCE);
  await has('eth0@8.json', SINCE);
  expect(await takeUp()).toEqual([]);
  expect((await readdir(directory)).sort()).toEqual(['eth0@7.json', 'eth0@8.json']);
});

test('a directory that is not there has none', async () => {
  expect(await takeUp(join(directory, 'none'))).toEqual([]);
});
