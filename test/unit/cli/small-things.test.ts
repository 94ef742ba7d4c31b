import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PLAIN } from '../../../src/cli/tables/style.ts';
import { changeText } from '../../../src/cli/text/change-text.ts';
import { diffText } from '../../../src/cli/text/diff-text.ts';
import { validateAgainstHost } from '../../../src/config/host/require-host.ts';
import { parseYaml } from '../../../src/config/load/parse-yaml.ts';
import { diffConfigs } from '../../../src/director/changes/config-diff.ts';
import { parseConfig } from '../config/yaml.ts';
import { culvert } from './culvert.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-small-'));
});

afterEach(() => rm(directory, { recursive: true }));

test.each([['--help'], ['-h']])('a command that does not exist has no help: %s', async (option) => {
  const { status, stdout, stderr } = await culvert(['bogus', option]);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain("unknown command 'bogus'");
});

test('down where no director runs is done', async () => {
  const env = { CULVERT_RUN_DIRECTORY: directory };
  for (const round of [1, 2]) expect([round, (await culvert(['down'], env)).status]).toEqual([round, 0]);
  expect(JSON.parse((await culvert(['down', '--json'], env)).stdout)).toEqual({
    instance: null,
    outcome: 'nothing was there',
  });
});

test('a difference of hash seeds does not say what they are', () => {
  const seeds = ['000102030405060708090a0b0c0d0e0f', 'ffffffffffffffffffffffffffffffff'];
  const [before, after] = seeds.map((seed) =>
    parseConfig(`director: {interface: eth0, hashSeed: "${seed}"}\nservices: []\n`, 'culvert.yaml'),
  );
  if (before === undefined || after === undefined) throw new Error('two were read');
  const diff = diffConfigs(before, after);
  expect(JSON.stringify(diff)).not.toMatch(/0001020304|ffffffff/);
  expect(diffText({ ...diff, services: [] }, PLAIN)).toContain('hashSeed: changed');
});

test('an interface that is not there is answered with those that traffic can come in by', () => {
  const loaded = parseYaml('director: {interface: eth9}\nservices: []\n', 'culvert.yaml');
  const host = { interfaces: ['lo', 'eth0', 'eth1', 'cv-eth0', 'ca-eth0'] };
  expect(() => validateAgainstHost(loaded, host)).toThrow(/'eth9'; allowed: one of eth0, eth1$/);
});

test('a reload says which settings wait for a restart', () => {
  const added = { servicesAdded: 1, servicesChanged: 0, servicesRemoved: 0 };
  const summary = { ...added, realsAdded: 1, realsChanged: 0, realsRemoved: 0, applyMs: 1 };
  expect(changeText({ ...summary, restartNeeded: [] })).not.toContain('\n');
  expect(changeText({ ...summary, restartNeeded: ['director.listen', 'director.capacity'] })).toMatch(
    /\ntakes effect at the next start of the director: director\.listen, director\.capacity$/,
  );
});
