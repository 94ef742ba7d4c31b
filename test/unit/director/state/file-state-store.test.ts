import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileStateStore } from '../../../../src/director/state/file-state-store.ts';
import { type DirectorState, EMPTY_STATE } from '../../../../src/director/state/state-store.ts';

const STATE: DirectorState = {
  hashKey: Uint8Array.from({ length: 16 }, (_, index) => index),
  overrides: new Map([['tcp 192.0.2.10:80 10.0.3.2', 0]]),
  drained: new Set(['tcp 192.0.2.10:80 10.0.4.2']),
  down: new Map([
    ['tcp 192.0.2.10:80 10.0.4.2', { since: '2026-01-02T03:04:05.678Z', error: 'connection refused' }],
    ['udp 192.0.2.10:53 10.0.4.2', { since: '2026-01-02T03:04:05.678Z', error: undefined }],
  ]),
  lostQuorums: new Set(['tcp 192.0.2.10:80']),
};

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-state-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('what is saved is loaded, in a directory that need not exist', async () => {
  const path = join(directory, 'lib', 'eth0.json');
  const store = new FileStateStore(path);
  expect(await store.load()).toEqual({ state: EMPTY_STATE, fault: undefined });
  await store.save(EMPTY_STATE);
  expect(await store.load()).toEqual({ state: EMPTY_STATE, fault: undefined });
  await store.save(STATE);
  expect(await store.load()).toEqual({ state: STATE, fault: undefined });
  expect(await readdir(join(directory, 'lib'))).toEqual(['eth0.json']);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await store.remove();
  await store.remove();
  expect(await readdir(join(directory, 'lib'))).toEqual([]);
});

test('a state of a former version knows of no quorums', async () => {
  const path = join(directory, 'eth0.json');
  await writeFile(path, '{"version": 1, "overrides": {}, "down": {}}');
  expect(await new FileStateStore(path).load()).toEqual({ state: EMPTY_STATE, fault: undefined });
});

test.each(['', '{', 'null', '[]', '{"version": 2}', '{"version": 1, "hashKey": "00"}', '\0'])(
  'a damaged file (%j) is put aside',
  async (text) => {
    const path = join(directory, 'eth0.json');
    await writeFile(path, text);
    const { state, fault } = await new FileStateStore(path).load();
    expect(state).toEqual(EMPTY_STATE);
    expect(fault).toContain(`${path} is damaged`);
    expect(await readFile(`${path}.damaged`, 'utf8')).toBe(text);
  },
);

test('weight 0 of a version that had no drains of their own is one, as undrain took it back', async () => {
  const path = join(directory, 'former.json');
  const overrides = { 'tcp 192.0.2.10:80 10.0.3.2': 0, 'tcp 192.0.2.10:80 10.0.4.2': 30 };
  await writeFile(path, JSON.stringify({ version: 1, overrides, down: {} }));
  const { state, fault } = await new FileStateStore(path).load();
  expect(fault).toBeUndefined();
  expect(state.drained).toEqual(new Set(['tcp 192.0.2.10:80 10.0.3.2']));
  expect(state.overrides).toEqual(new Map([['tcp 192.0.2.10:80 10.0.4.2', 30]]));
});
