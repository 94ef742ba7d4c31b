import { expect, test } from 'vitest';
import type { World } from '../../../../src/director/world/world.ts';
import { begin, reloaded } from '../worlds.ts';

const OPTIONS = `port: [80, 443], scheduler: sh, schedulerFlags: [sh-port], persistence: {timeout: 5m, prefix: 24}`;
const REAL = `{address: 10.0.3.2, upperThreshold: 9, lowerThreshold: 3, tunnel: {type: gue, port: 6080}}`;

function config(first = OPTIONS, real = REAL, director = 'interface: eth0'): string {
  return `
director: {${director}}
services:
  - {vip: 192.0.2.10, ${first}, reals: [${real}, {address: 2001:db8::2}]}
  - {vip: 192.0.2.10, port: 81, reals: [${real}]}
`;
}

/** The world with this configuration, after another one if there was one. */
function world(of: string, previous?: World): World {
  return previous === undefined ? begin(of) : reloaded(previous, of);
}

test('a table says what the configuration says, and leaves out what is so by default', () => {
  const [first, second] = world(config()).table.services;
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
  const before = world(config());
  expect(world(config(), before).table).toBe(before.table);
});

test.each<[what: string, changed: string]>([
  ['flags', config(OPTIONS.replace('sh-port', 'sh-fallback'))],
  ['further ports', config(OPTIONS.replace('443', '444'))],
  ['persistence', config(OPTIONS.replace('24', '25'))],
  ['its end', config(OPTIONS.replace(/, persistence.*/, ''))],
])('a change of %s makes that service anew and leaves the other', (_what, changed) => {
  const before = world(config());
  const after = world(changed, before).table;
  expect(after.services[0]).not.toBe(before.table.services[0]);
  expect(after.services[0]?.reals).toEqual(before.table.services[0]?.reals);
  expect(after.services[1]).toBe(before.table.services[1]);
});

test.each<[what: string, real: string]>([
  ['upper threshold', REAL.replace('9', '8')],
  ['lower threshold', REAL.replace('lowerThreshold: 3', 'lowerThreshold: 2')],
  ['tunnel', REAL.replace('6080', '6081')],
])("a change of a real's %s makes that real anew", (_what, real) => {
  const before = world(config());
  const [first] = world(config(OPTIONS, real), before).table.services;
  expect(first?.reals[0]).not.toEqual(before.table.services[0]?.reals[0]);
  expect(first?.reals[1]).toBe(before.table.services[0]?.reals[1]);
});

test.each<['expireQuiescentTemplate' | 'sloppyTcp']>([['expireQuiescentTemplate'], ['sloppyTcp']])(
  '%s is a change of the table alone',
  (name) => {
    const before = world(config());
    const after = world(config(OPTIONS, REAL, `interface: eth0, ${name}: true`), before).table;
    expect([before.table[name], after[name]]).toEqual([false, true]);
    expect(after.services[0]).toBe(before.table.services[0]);
  },
);

test('what becomes of flows of deleted reals is a change of the table alone', () => {
  const before = world(config());
  const after = world(config(OPTIONS, REAL, 'interface: eth0, expireNodestConn: false'), before).table;
  expect(after).not.toBe(before.table);
  expect(after.expireNodestConn).toBe(false);
  expect(after.services[0]).toBe(before.table.services[0]);
});
