import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listenApi, type RunningApi } from '../../../src/api/server/listen.ts';
import { main } from '../../../src/cli/main.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { ControlDouble } from '../api/control-double.ts';
import { Sink } from './culvert.ts';

/** The listings as a terminal of some width shows them, and as a pipe gets them. */
let directory: string;
let control: ControlDouble;
let api: RunningApi;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-tables-'));
  control = new ControlDouble();
  const socketPath = join(directory, 'eth0.sock');
  api = await listenApi({ control, version: '1.2.3', onDown: () => undefined, socketPath });
});

afterEach(async () => {
  await api.close();
  await rm(directory, { recursive: true });
});

async function shown(columns: number | undefined, ...argv: string[]): Promise<string> {
  const stdout = Object.assign(new Sink(columns !== undefined), { columns });
  const stderr = new Sink();
  const env = { CULVERT_RUN_DIRECTORY: directory, NO_COLOR: '1' };
  const status = await main({ argv, stdout, stderr, env });
  expect([status, stderr.text]).toEqual([0, '']);
  return stdout.text;
}

describe.each([
  ['services', 80],
  ['services', 120],
  ['services', undefined],
  ['reals', 80],
  ['reals', 120],
  ['reals', undefined],
  ['stats', 80],
  ['stats', 120],
  ['stats', undefined],
  ['flows', 80],
])('%s at %s columns', (name, columns) => {
  test('is as it is', async () => {
    const text = await shown(columns, name);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(columns ?? 1000);
    await expect(text).toMatchFileSnapshot(`../../golden/cli/${name}-${columns ?? 'pipe'}.txt`);
  });
});

test('IPv6 addresses are shortened where no other way is left, and only on a terminal', async () => {
  const long = '2001:db8:ffff:ffff:ffff:ffff:ffff:1';
  const service = { vip: ip(long), protocol: 'tcp', port: 8080 } as const;
  const flow = {
    service,
    real: ip(long),
    client: ip(long),
    clientPort: 65_535,
    state: 'ESTABLISHED',
  } as const;
  control.flowRecords.splice(0, control.flowRecords.length, { ...flow, idleMs: 0, leftMs: 61_000 });
  const text = await shown(80, 'flows');
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(text).toContain('…');
  expect(text).toContain(`real ${long}`);
  const piped = (await shown(undefined, 'flows')).replaceAll(/ +/g, ' ');
  expect(piped).toContain(`[${long}]:65535 [${long}]:8080 ${long}`);
});

describe('what is asked for', () => {
  test.each([
    [['reals', '--down'], ['10.0.2.2']],
    [
      ['reals', '--real', '10.0.1.2'],
      ['10.0.1.2', '10.0.1.2'],
    ],
    [['reals', '--service=udp:192.0.2.10:53'], ['10.0.1.2']],
    [
      ['reals', '--service', 'tcp:192.0.2.10:80', '--sort', 'weight'],
      ['10.0.1.2', '10.0.2.2', '10.0.3.2'],
    ],
    [
      ['reals', '--sort', 'active'],
      ['10.0.1.2', '10.0.1.2', '10.0.2.2', '10.0.3.2'],
    ],
  ])('%j', async (argv, addresses) => {
    const lines = (await shown(undefined, ...argv)).trimEnd().split('\n').slice(1);
    expect(lines.map((line) => line.trim().split(/ {2,}/)[1])).toEqual(addresses);
    const json = JSON.parse(await shown(undefined, ...argv, '--json')) as { address: string }[];
    expect(json.map(({ address }) => address)).toEqual(addresses);
  });

  test('services and stats', async () => {
    expect((await shown(undefined, 'services', '--down')).trimEnd().split('\n')).toHaveLength(3);
    const [, udp] = (await control.status()).services;
    const port = `udp:192.0.2.10:${udp?.morePorts[0]}`;
    expect(JSON.parse(await shown(undefined, 'services', '--service', port, '--json'))).toHaveLength(1);
    expect(await shown(undefined, 'services', '--real', '10.9.9.9')).toBe('no services match\n');
    const stats = await shown(undefined, 'stats', '--real', '10.0.2.2', '--sort', 'packets/s');
    expect(stats.split('\n\n')[0]?.split('\n')).toHaveLength(3);
  });

  test('every row names its service where it may be searched', async () => {
    for (const name of ['reals', 'stats']) {
      const [traffic = ''] = (await shown(undefined, name)).split('\n\n');
      for (const line of traffic.trimEnd().split('\n').slice(1))
        expect(line).toMatch(/^(?:tcp|udp) 192\.0\.2\.10:\d+ /);
    }
  });
});

test('--watch shows it again until it is interrupted', async () => {
  const { Running } = await import('./culvert.ts');
  const running = new Running(['reals', '--watch', '1'], { CULVERT_RUN_DIRECTORY: directory });
  await running.stdout.waitFor(/SERVICE[^]*\n\nSERVICE/);
  running.signals.emit('SIGINT');
  expect((await running.ended).status).toBe(0);
});
