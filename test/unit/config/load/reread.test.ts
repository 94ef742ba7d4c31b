import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config/load/load-config.ts';
import type { LoadedConfig } from '../../../../src/config/load/loaded-config.ts';
import { parseYaml } from '../../../../src/config/load/parse-yaml.ts';
import { reread, splitServices } from '../../../../src/config/load/reread.ts';

const HEAD = 'director: {interface: eth0}\n# a comment\ndefaults:\n  check: none\n';
const FILE = 'culvert.yaml';

/** In flow style, in block style, with comments, block scalars and quoted texts that look like something else. */
function item(port: number, weight: number, style: number): string {
  const reals = `{address: 10.0.1.1, weight: ${weight}}`;
  if (style === 0) return `  - {vip: 192.0.2.10, port: ${port}, reals: [${reals}]}\n`;
  if (style === 1)
    return `  - port: ${port}\n    # - {vip: 192.0.2.99}\n    vip: 192.0.2.10\n    reals:\n      - ${reals}\n\n      - {address: 10.0.1.2}\n`;
  return `  -\n    vip: "192.0.2.10"\n    port: ${port}\n    reals: [\n      ${reals}]\n    check:\n      type: misc\n      shell: |\n        - one\n        services:\n`;
}

function file(items: readonly string[], head = HEAD, tail = ''): string {
  return `${head}services: # of them\n${items.join('')}${tail}`;
}

function read(text: string): LoadedConfig {
  return parseYaml(text, FILE);
}

function expectSame(loaded: LoadedConfig | undefined, text: string): void {
  expect(loaded).toEqual(read(text));
}

const services = fc.uniqueArray(
  fc.record({
    port: fc.integer({ min: 1, max: 12 }),
    weight: fc.integer({ min: 0, max: 2 }),
    style: fc.integer({ min: 0, max: 2 }),
  }),
  { selector: ({ port }) => port, minLength: 1, maxLength: 8 },
);
const items = services.map((all) => all.map(({ port, weight, style }) => item(port, weight, style)));

describe('a text that differs little from one that was read before', () => {
  test('comes to the same as when the whole is parsed', () => {
    fc.assert(
      fc.property(items, items, fc.constantFrom('', '# the end\n'), (before, after, tail) => {
        const [former, text] = [file(before, HEAD, tail), file(after, HEAD, tail)];
        expectSame(reread(read(former), text, FILE), text);
      }),
    );
  });

  test('leaves what did not change the same object', () => {
    const former = file([item(1, 1, 0), item(2, 1, 1), item(3, 1, 2)]);
    const before = read(former);
    const text = file([item(3, 1, 2), item(1, 2, 0), item(2, 1, 1)]);
    const found = reread(before, text, FILE);
    expectSame(found, text);
    expect(found?.config.services[0]).toBe(before.config.services[2]);
    expect(found?.config.services[2]).toBe(before.config.services[1]);
    expect(found?.config.services[1]).not.toBe(before.config.services[0]);
    expect(found?.config.director).toBe(before.config.director);
  });

  test.each([
    ['a service twice', file([item(1, 1, 0), item(1, 1, 0)])],
    ['another service of the same port', file([item(1, 1, 0), item(1, 2, 1)])],
    ['a VIP that is a real', file([item(1, 1, 0), item(2, 1, 0).replace('192.0.2.10', '10.0.1.1')])],
    ['a value out of range', file([item(1, 70_000, 0)])],
    ['no YAML', file([item(1, 1, 0), '  - {vip: [\n'])],
    ['other defaults', file([item(1, 1, 0)], HEAD.replace('none', 'tcp'))],
    ['another director', file([item(1, 1, 0)], HEAD.replace('eth0', 'eth1'))],
    ['something behind', file([item(1, 1, 0)], HEAD, 'x: 1\n')],
    ['an anchor', file([item(1, 1, 0).replace('{vip', '&a {vip')])],
    ['another list', `${HEAD}services: [{vip: 192.0.2.10, port: 1, reals: []}]\n`],
    ['nothing', ''],
  ])('%s: the whole has to be parsed', (_what, text) => {
    const former = file([item(1, 1, 0)]);
    expect(reread(read(former), text, FILE)).toBeUndefined();
  });

  test('a file that is loaded again is told its errors at their places', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'culvert-reread-'));
    try {
      const path = join(directory, FILE);
      await writeFile(path, file([item(1, 1, 0), item(2, 1, 1)]));
      const first = await loadConfig(path);
      await writeFile(path, file([item(1, 1, 0), item(3, 1, 1)]));
      const second = await loadConfig(path, { previous: first });
      expect(second.config.services[0]).toBe(first.config.services[0]);
      await writeFile(path, file([item(1, 1, 0), item(3, 1, 1), item(1, 5, 0)]));
      await expect(loadConfig(path, { previous: second })).rejects.toThrow(
        `${path}:14:11: services[2].vip: duplicate service tcp 192.0.2.10:1, first in line 6`,
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

test('the cuts are where the items begin, and together they are the text', () => {
  fc.assert(
    fc.property(items, fc.constantFrom('', 'other: 1\n', '# x\n'), (all, tail) => {
      const text = file(all, HEAD, tail);
      const split = splitServices(text);
      expect(split?.items).toHaveLength(all.length);
      expect(split && split.head + split.items.join('') + split.tail).toBe(text);
    }),
  );
});
