/** Every key of the configuration stands in docs/reference/configuration.md, and its tables have the true defaults. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { configSchema } from '../../../src/contract/config/config-schema.ts';
import { formatDuration } from '../../../src/contract/values/duration.ts';
import { parseConfig } from './yaml.ts';

const REFERENCE = readFileSync(new URL('../../../docs/reference/configuration.md', import.meta.url), 'utf8');

/** What stands in backticks or in blocks of code. */
const CODE = [
  ...[...REFERENCE.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text),
  ...[...REFERENCE.matchAll(/^ {4}.*$/gm)].map(([text]) => text),
  ...[...REFERENCE.matchAll(/```yaml([\s\S]*?)```/g)].map(([, text]) => text),
].join('\n');

function keysOf(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap(keysOf);
  if (typeof node !== 'object' || node === null) return [];
  const properties = 'properties' in node ? Object.keys(node.properties as object) : [];
  return [...properties, ...Object.values(node).flatMap(keysOf)];
}

const keys = [...new Set(keysOf(z.toJSONSchema(configSchema, { unrepresentable: 'any', io: 'input' })))];

test('the schema has its keys', () =>
  expect(keys).toEqual(expect.arrayContaining(['reals', 'clientCa', 'minTx'])));

test.each(keys)('%s is in docs/reference/configuration.md', (key) => {
  expect(CODE).toMatch(new RegExp(`\\b${key}\\b`));
});

/** The default cell of a key's row in the table under a heading. */
function documented(heading: string, key: string): string | undefined {
  const [, section = ''] = REFERENCE.split(`\n${heading}\n`);
  const [table = ''] = section.split(/\n#+ /);
  const row = table.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${key}\``));
  return row?.split('|')[2]?.trim().replaceAll('`', '');
}

const SERVICE = 'services: [{vip: 192.0.2.10, port: 80, reals: [{address: 10.0.3.2}]}]';
const { director, services } = parseConfig(`director: {interface: eth0}\n${SERVICE}`, 'x.yaml');
const [service] = services;
const [check] = service?.reals[0]?.checks ?? [];
const { timeouts } = director;
const bfd = parseConfig(`director: {interface: eth0}\ndefaults: {check: bfd}\n${SERVICE}`, 'x.yaml')
  .services[0]?.reals[0]?.checks[0]?.probe;

describe('the tables have the true defaults', () => {
  test.each<[heading: string, key: string, value: unknown]>([
    ['## `director`', 'plane', director.plane],
    ['## `director`', 'expireNodestConn', director.expireNodestConn],
    ['## `director`', 'claim', director.claim],
    ['## `director`', 'stateDirectory', director.stateDirectory],
    ['## `director`', 'runDirectory', director.runDirectory],
    ['### `director.timeouts`', 'tcp', formatDuration(timeouts.establishedMs)],
    ['### `director.timeouts`', 'tcpFin', formatDuration(timeouts.finWaitMs)],
    ['### `director.timeouts`', 'synRecv', formatDuration(timeouts.synRecvMs)],
    ['### `director.timeouts`', 'timeWait', formatDuration(timeouts.timeWaitMs ?? 0)],
    ['### `director.timeouts`', 'close', formatDuration(timeouts.closeMs)],
    ['### `director.timeouts`', 'udp', formatDuration(timeouts.udpMs)],
    ['### `director.capacity`', 'slots', director.capacity.slots],
    ['### `director.capacity`', 'flows', director.capacity.flows],
    ['## `services`', 'protocol', service?.protocol],
    ['## `services`', 'scheduler', service?.scheduler],
    ['## `services`', 'hashOn', service?.hashOn],
    ['## `services`', 'onePacket', service?.onePacket],
    ['## `services`', 'blackhole', service?.blackhole.policy],
    ['## `services`', 'quorum', service?.quorum],
    ['## `services`', 'hysteresis', service?.hysteresis],
    ['## `services`', 'omega', service?.omega],
    ['## `reals`', 'inhibitOnFailure', service?.reals[0]?.inhibitOnFailure],
    ['## `check`', 'type', check?.probe.type],
    ['## `check`', 'interval', formatDuration(check?.intervalMs ?? 0)],
    ['## `check`', 'timeout', formatDuration(check?.timeoutMs ?? 0)],
    ['## `check`', 'retries', check?.retries],
    ['## `check`', 'retryDelay', formatDuration(check?.retryDelayMs ?? 0)],
    ['## `check`', 'via', check?.via],
    ['## `check`', 'alpha', check?.alpha],
    ['## `check`', 'logAllFailures', check?.logAllFailures],
    ['### BFD', 'minTx', bfd?.type === 'bfd' ? formatDuration(bfd.minTxMs) : undefined],
    ['### BFD', 'idleTx', bfd?.type === 'bfd' ? formatDuration(bfd.idleTxMs) : undefined],
    ['### BFD', 'multiplier', bfd?.type === 'bfd' ? bfd.multiplier : undefined],
    ['### BFD', 'passive', bfd?.type === 'bfd' ? bfd.passive : undefined],
    ['### BFD', 'multihop', bfd?.type === 'bfd' ? bfd.multihop : undefined],
    ['### BFD', 'ttl', bfd?.type === 'bfd' ? bfd.ttl : undefined],
  ])('%s: %s', (heading, key, value) => {
    expect(documented(heading, key)).toBe(String(value));
  });
});
