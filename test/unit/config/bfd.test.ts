import { expect, test } from 'vitest';
import type { ServiceConfig } from '../../../src/contract/config/service-contract.ts';
import { checkOf } from '../../../src/health/check-identity.ts';
import { parseConfig } from './yaml.ts';

function services(check: string, second = check): readonly ServiceConfig[] {
  const text = `
director: {interface: eth0}
services:
  - vip: 192.0.2.10
    port: 80
    reals: [{address: 10.0.3.2, ${check}}]
  - vip: 192.0.2.10
    port: 443
    reals: [{address: 10.0.3.2, ${second}}]
`;
  return parseConfig(text, 'culvert.yaml').services;
}

test('what is left out has its default', () => {
  expect(services('check: bfd')[0]?.reals[0]?.checks).toMatchObject([
    {
      probe: {
        type: 'bfd',
        neighbor: undefined,
        source: undefined,
        minTxMs: 300,
        minRxMs: 300,
        idleTxMs: 1000,
        multiplier: 3,
        passive: false,
        multihop: false,
        ttl: 255,
        maxHops: 0,
      },
    },
  ]);
});

test('all that may be said, beside another check', () => {
  const bfd =
    '{type: bfd, neighbor: "2001:DB8::2", source: 2001:db8::1, minTx: 50ms, minRx: 60ms, idleTx: 2s, multiplier: 5, passive: true, multihop: true}';
  expect(services(`checks: [tcp, ${bfd}]`)[0]?.reals[0]?.checks).toMatchObject([
    { probe: { type: 'tcp' } },
    {
      probe: {
        type: 'bfd',
        neighbor: '2001:db8::2',
        source: '2001:db8::1',
        minTxMs: 50,
        minRxMs: 60,
        idleTxMs: 2000,
        multiplier: 5,
        passive: true,
        multihop: true,
        maxHops: 255,
      },
    },
  ]);
});

test('a neighbour that is named is the same check as the real that has its address', () => {
  const keys = services('check: bfd', 'check: {type: bfd, neighbor: 10.0.3.2}').map((service) => {
    const [real] = service.reals;
    const [check] = real?.checks ?? [];
    if (real === undefined || check === undefined) throw new Error('no check');
    return checkOf(service, real.address, check).key;
  });
  expect(keys[0]).toMatch(/^BFD with 10\.0\.3\.2 /);
  expect(keys[1]).toMatch(/^BFD with 10\.0\.3\.2 /);
});

test.each([
  ['check: {type: bfd, minTx: 0ms}', '6:59', 'a duration from 1ms'],
  ['check: {type: bfd, idleTx: 999ms}', '6:60', 'a duration from 1s'],
  ['check: {type: bfd, multiplier: 256}', '6:64', 'a whole number from 1 to 255'],
  ['check: {type: bfd, ttl: 0}', '6:57', 'a whole number from 1 to 255'],
  ['check: {type: bfd, neighbor: 224.0.0.1}', '6:62', 'an IP address of a host'],
  ['check: {type: bfd, interval: 1s}', '6:52', 'interval is for checks of type tcp or'],
  ['check: {type: tcp, minTx: 1s}', '6:52', 'minTx is for checks of type bfd'],
])('%s', (check, where, words) => {
  const message = messageOf(() => services(check, 'check: none'));
  expect(message).toContain(`culvert.yaml:${where}: `);
  expect(message).toContain(words);
});

test('a neighbour has one session, whatever it is asked for by', () => {
  expect(messageOf(() => services('check: bfd', 'check: {type: bfd, minTx: 1s}'))).toMatch(
    /^culvert.yaml:9:13: services\[1\]\.reals\[0\]: BFD with 10\.0\.3\.2 has different values here than in line 6;/,
  );
  // With a source of its own it is another one.
  expect(services('check: bfd', 'check: {type: bfd, minTx: 1s, source: 10.0.0.1}')).toHaveLength(2);
});

test('the source is of the family of the neighbour', () => {
  const message = messageOf(() => services('check: {type: bfd, source: 2001:db8::1}', 'check: none'));
  expect(message).toContain('check.source: found 2001:db8::1, which cannot reach 10.0.3.2');
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing is wrong');
}
