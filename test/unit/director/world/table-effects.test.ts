import { expect, test } from 'vitest';
import type { Input } from '../../../../src/director/step/input.ts';
import type { QuorumState } from '../../../../src/director/world/quorum.ts';
import type { World } from '../../../../src/director/world/world.ts';
import type { Real } from '../../../../src/forwarding/forwarding-table.ts';
import { formatServiceName } from '../../../../src/forwarding/service-name.ts';
import { formatIp, ip } from '../../../../src/net/address/ip-address.ts';
import { after, begin, type Former, reloaded, results } from '../worlds.ts';

interface Situation {
  readonly down?: readonly string[];
  readonly drained?: readonly string[];
  readonly quorum?: QuorumState;
  readonly director?: string;
}

function compute(service: string, situation: Situation, previous?: World): World {
  const { down = [], drained = [], quorum, director = 'interface: eth0' } = situation;
  const yaml = `director: {${director}}\nservices:\n  - {vip: 192.0.2.10, port: 80, check: {type: tcp}, ${service}}\n`;
  const first = previous ?? begin(yaml, formerRun(yaml, quorum, down));
  const handled = drained.map(
    (address): Input => ({ kind: 'override', selector: { address: ip(address) }, change: { drained: true } }),
  );
  const known = after(reloaded(first, yaml), ...handled);
  return after(known, results(known, down));
}

/** What an earlier run has left, in which the service had this quorum. */
function formerRun(yaml: string, quorum: QuorumState | undefined, down: readonly string[]): Former {
  if (quorum === undefined) return {};
  const services = begin(yaml).table.services.map((service) => ({ ...service, reals: [] }));
  const lost = quorum === 'lost' ? services.map(formatServiceName) : [];
  const state = { since: new Date(0).toISOString(), error: 'connection refused' };
  const failed = down.map((address) => [`tcp 192.0.2.10:80 ${address}`, state] as const);
  return { state: { lostQuorums: new Set(lost), down: new Map(failed) }, forwarded: services };
}

function words({ table }: World): string {
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
  const world = compute(service, situation);
  expect(words(world)).toBe(forwarded);
  expect(compute(service, situation, world).table).toBe(world.table);
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
  const world = compute(`protocol: udp, ${service}`, situation);
  expect(words(world)).toBe(forwarded);
  expect(compute(`protocol: udp, ${service}`, situation, world).table).toBe(world.table);
  const drained = situation.drained ?? [];
  const undrained = drained.map(
    (address): Input => ({
      kind: 'override',
      selector: { address: ip(address) },
      change: { drained: false },
    }),
  );
  const recovered = compute(`protocol: udp, ${service}`, {}, after(world, ...undrained));
  expect(words(recovered)).toMatch(/^2:w100 3:w50/);
});

test('UDP, a failed real is inhibited: with expireQuiescentTemplate clients with a template move, too', () => {
  const world = compute(`protocol: udp, ${INHIBITED}, persistence: 5m`, {
    down: ['10.0.0.2'],
    director: 'interface: eth0, expireQuiescentTemplate: true',
  });
  expect(words(world)).toBe('2:moved 3:w50');
});

test('SCTP, a failed real is inhibited: its flows stay', () => {
  expect(words(compute(`protocol: sctp, ${INHIBITED}`, { down: ['10.0.0.2'] }))).toBe('2:w0 3:w50');
});

test('the sorry server has a tunnel of its own, or that of the service', () => {
  const own = 'sorryServer: {address: "2001:db8::9", tunnel: {type: gue, port: 6080}}';
  const [service] = compute(`tunnel: gre, ${TWO}, ${own}`, {}).table.services;
  const tunnel = { type: 'gue', port: 6080, checksum: 'none' };
  expect(service?.reals[2]).toEqual({ address: ip('2001:db8::9'), weight: 100, serving: false, tunnel });
  expect(compute(`${TWO}, ${SORRY}`, {}).table.services[0]?.reals[2]).not.toHaveProperty('tunnel');
});
