import { expect, test } from 'vitest';
import type { CulvertConfig } from '../../../src/contract/config/config.ts';
import { computeTable } from '../../../src/director/compute-table.ts';
import { buildModel } from '../../../src/director/model.ts';
import type { ForwardingTable } from '../../../src/forwarding/forwarding-table.ts';
import { parseConfig } from '../config/yaml.ts';

const HASH_KEY = new Uint8Array(16);
const OPTIONS = `port: [80, 443], scheduler: sh, schedulerFlags: [sh-port], persistence: {timeout: 5m, prefix: 24}`;
const REAL = `{address: 10.0.3.2, upperThreshold: 9, lowerThreshold: 3, tunnel: {type: gue, port: 6080}}`;

function config(first = OPTIONS, real = REAL, director = 'interface: eth0'): CulvertConfig {
  const text = `
director: {${director}}
services:
  - {vip: 192.0.2.10, ${first}, reals: [${real}, {address: 2001:db8::2}]}
  - {vip: 192.0.2.10, port: 81, reals: [${real}]}
`;
  return parseConfig(text, 'culvert.yaml');
}

function table(of: CulvertConfig, previous?: ForwardingTable): ForwardingTable {
  const model = buildModel(of);
  return computeTable(
    {
      model,
      hashKey: HASH_KEY,
      overrides: new Map(),
      drained: new Set(),
      healthOf: () => undefined,
      quorumOf: () => undefined,
    },
    previous,
  );
}

test('a table says what the configuration says, and leaves out what is so by default', () => {
  const [first, second] = table(config()).services;
  expect(first).toMatchObject({
    port: 80,
    morePorts: [443],
    scheduler: 'sh',
    schedulerFlags: ['sh-port'],
    persistence: { timeoutMs: 300_000, prefixLength: 24 },
    reals: [
      { upperThreshold: 9, lowerThreshold: 3, tunnel: { type: 'gue', port: 6080, checksum: 'none' } },
      { weight: 100 },
    ],
  });
  expect(Object.keys(second ?? {}).sort()).toEqual(
    ['vip', 'protocol', 'port', 'scheduler', 'hashOn', 'tunnel', 'blackhole', 'reals'].sort(),
  );
});

test('the same configuration, read again, comes to the same objects', () => {
  const before = table(config());
  expect(table(config(), before)).toBe(before);
});

test.each<[what: string, changed: CulvertConfig]>([
  ['flags', config(OPTIONS.replace('sh-port', 'sh-fallback'))],
  ['further ports', config(OPTIONS.replace('443', '444'))],
  ['persistence', config(OPTIONS.replace('24', '25'))],
  ['its end', config(OPTIONS.replace(/, persistence.*/, ''))],
])('a change of %s makes that service anew and leaves the other', (_what, changed) => {
  const before = table(config());
  const after = table(changed, before);
  expect(after.services[0]).not.toBe(before.services[0]);
  expect(after.services[0]?.reals).toEqual(before.services[0]?.reals);
  expect(after.services[1]).toBe(before.services[1]);
});

test.each<[what: string, real: string]>([
  ['upper threshold', REAL.replace('9', '8')],
  ['lower threshold', REAL.replace('lowerThreshold: 3', 'lowerThreshold: 2')],
  ['tunnel', REAL.replace('6080', '6081')],
])("a change of a real's %s makes that real anew", (_what, real) => {
  const before = table(config());
  const [first] = table(config(OPTIONS, real), before).services;
  expect(first?.reals[0]).not.toEqual(before.services[0]?.reals[0]);
  expect(first?.reals[1]).toBe(before.services[0]?.reals[1]);
});

test.each<['expireQuiescentTemplate' | 'sloppyTcp']>([['expireQuiescentTemplate'], ['sloppyTcp']])(
  '%s is a change of the table alone',
  (name) => {
    const before = table(config());
    const after = table(config(OPTIONS, REAL, `interface: eth0, ${name}: true`), before);
    expect([before[name], after[name]]).toEqual([false, true]);
    expect(after.services[0]).toBe(before.services[0]);
  },
);

test('what becomes of flows of deleted reals is a change of the table alone', () => {
  const before = table(config());
  const after = table(config(OPTIONS, REAL, 'interface: eth0, expireNodestConn: false'), before);
  expect(after).not.toBe(before);
  expect(after.expireNodestConn).toBe(false);
  expect(after.services[0]).toBe(before.services[0]);
});
