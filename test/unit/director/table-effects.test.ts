import { expect, test } from 'vitest';
import { computeTable } from '../../../src/director/compute-table.ts';
import { buildModel } from '../../../src/director/model.ts';
import type { QuorumState } from '../../../src/director/quorum.ts';
import { type ForwardingTable, type Real } from '../../../src/forwarding/forwarding-table.ts';
import { formatIp, ip } from '../../../src/net/address/ip-address.ts';
import { parseConfig } from '../config/yaml.ts';

const HASH_KEY = new Uint8Array(16);

interface Situation {
  readonly down?: readonly string[];
  readonly drained?: readonly string[];
  readonly quorum?: QuorumState;
  readonly director?: string;
}

function compute(service: string, situation: Situation, previous?: ForwardingTable): ForwardingTable {
  const { down = [], drained = [], quorum, director = 'interface: eth0' } = situation;
  const text = `director: {${director}}\nservices:\n  - {vip: 192.0.2.10, port: 80, ${service}}\n`;
  return computeTable(
    {
      model: buildModel(parseConfig(text, 'x.yaml')),
      hashKey: HASH_KEY,
      overrides: new Map(),
      drained: new Set(
        drained.flatMap((address) =>
          ['tcp', 'udp'].map((protocol) => `${protocol} 192.0.2.10:80 ${address}`),
        ),
      ),
      healthOf: ({ config }) => ({
        up: !down.includes(formatIp(config.address)),
        weights: [],
      }),
      quorumOf: () => quorum,
    },
    previous,
  );
}

function words(table: ForwardingTable): string {
  return table.services[0]?.reals.map(word).join(' ') ?? '';
}

/** `2:w100` for a real that serves, `2:-` for one that does not, `2:moved` if its flows are not held either; by the last part of the address. */
function word({ address, weight, serving, inhibited = false }: Real): string {
  const left = inhibited ? 'moved' : '-';
  return `${formatIp(address).split('.').at(-1)}:${serving ? `w${weight}` : left}`;
}

const TWO = 'reals: [{address: 10.0.0.2}, {address: 10.0.0.3, weight: 50}]';
const SORRY = 'sorryServer: {address: 10.0.0.9}';
const LIVING_ON = 'sorryServer: {address: 10.0.0.9, weight: 7, inhibit: true}';

test.each<[what: string, service: string, situation: Situation, forwarded: string]>([
  ['all is well', `${TWO}, ${SORRY}`, {}, '2:w100 3:w50 9:-'],
  ['one is down', `${TWO}, ${SORRY}`, { down: ['10.0.0.2'] }, '2:- 3:w50 9:-'],
  ['all are down', `${TWO}, ${SORRY}`, { down: ['10.0.0.2', '10.0.0.3'] }, '2:- 3:- 9:w100'],
  ['too few are up', `quorum: 120, ${TWO}, ${SORRY}`, { down: ['10.0.0.3'] }, '2:- 3:- 9:w100'],
  ['and no sorry server', `quorum: 120, ${TWO}`, { down: ['10.0.0.3'] }, '2:w100 3:-'],
  [
    'within the hysteresis, from above',
    `quorum: 120, hysteresis: 20, ${TWO}, ${SORRY}`,
    { down: ['10.0.0.3'], quorum: 'up' },
    '2:w100 3:- 9:-',
  ],
  [
    'within the hysteresis, from below',
    `quorum: 120, hysteresis: 20, ${TWO}, ${SORRY}`,
    { down: ['10.0.0.3'], quorum: 'lost' },
    '2:- 3:- 9:w100',
  ],
  ['the sorry server is inhibited', `${TWO}, ${LIVING_ON}`, {}, '2:w100 3:w50 9:w0'],
  ['and serves', `${TWO}, ${LIVING_ON}`, { down: ['10.0.0.2', '10.0.0.3'] }, '2:- 3:- 9:w7'],
  ['a failed real is inhibited', `inhibitOnFailure: true, ${TWO}`, { down: ['10.0.0.2'] }, '2:w0 3:w50'],
  [
    'a displaced one, too',
    `inhibitOnFailure: true, quorum: 120, ${TWO}, ${SORRY}`,
    { down: ['10.0.0.3'] },
    '2:w0 3:w0 9:w100',
  ],
  [
    'drained reals keep their flows',
    `${TWO}, ${SORRY}`,
    { drained: ['10.0.0.2', '10.0.0.3'] },
    '2:w0 3:w0 9:w100',
  ],
  ['one real is sorry', `${TWO}, sorryServer: {address: 10.0.0.3, weight: 9}`, {}, '2:w100 3:w50'],
  [
    'and serves though it is down',
    `${TWO}, sorryServer: {address: 10.0.0.3, weight: 9}`,
    { down: ['10.0.0.2', '10.0.0.3'] },
    '2:- 3:w9',
  ],
])('%s', (_what, service, situation, forwarded) => {
  const table = compute(service, situation);
  expect(words(table)).toBe(forwarded);
  expect(compute(service, situation, table)).toBe(table);
});

const INHIBITED = `inhibitOnFailure: true, ${TWO}`;

test.each<[what: string, service: string, situation: Situation, forwarded: string]>([
  ['another takes its flows', INHIBITED, { down: ['10.0.0.2'] }, '2:moved 3:w50'],
  ['none is left: all keep theirs', INHIBITED, { down: ['10.0.0.2', '10.0.0.3'] }, '2:w0 3:w0'],
  ['a drained one takes none', INHIBITED, { down: ['10.0.0.2'], drained: ['10.0.0.3'] }, '2:w0 3:w0'],
  [
    'the sorry server takes them',
    `${INHIBITED}, ${SORRY}`,
    { down: ['10.0.0.2', '10.0.0.3'] },
    '2:moved 3:moved 9:w100',
  ],
  ['a client with a template stays', `${INHIBITED}, persistence: 5m`, { down: ['10.0.0.2'] }, '2:w0 3:w50'],
])('UDP, a failed real is inhibited: %s', (_what, service, situation, forwarded) => {
  const table = compute(`protocol: udp, ${service}`, situation);
  expect(words(table)).toBe(forwarded);
  expect(compute(`protocol: udp, ${service}`, situation, table)).toBe(table);
  const recovered = compute(`protocol: udp, ${service}`, {}, table);
  expect(words(recovered)).toMatch(/^2:w100 3:w50/);
});

test('UDP, a failed real is inhibited: with expireQuiescentTemplate clients with a template move, too', () => {
  const table = compute(`protocol: udp, ${INHIBITED}, persistence: 5m`, {
    down: ['10.0.0.2'],
    director: 'interface: eth0, expireQuiescentTemplate: true',
  });
  expect(words(table)).toBe('2:moved 3:w50');
});

test('SCTP, a failed real is inhibited: its flows stay', () => {
  expect(words(compute(`protocol: sctp, ${INHIBITED}`, { down: ['10.0.0.2'] }))).toBe('2:w0 3:w50');
});

test('the sorry server has a tunnel of its own, or that of the service', () => {
  const own = 'sorryServer: {address: "2001:db8::9", tunnel: {type: gue, port: 6080}}';
  const [service] = compute(`tunnel: gre, ${TWO}, ${own}`, {}).services;
  const tunnel = { type: 'gue', port: 6080, checksum: 'none' };
  expect(service?.reals[2]).toEqual({ address: ip('2001:db8::9'), weight: 100, serving: false, tunnel });
  expect(compute(`${TWO}, ${SORRY}`, {}).services[0]?.reals[2]).not.toHaveProperty('tunnel');
});
