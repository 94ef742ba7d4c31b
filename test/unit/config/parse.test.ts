import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { validateAgainstHost } from '../../../src/config/host/require-host.ts';
import { loadConfig } from '../../../src/config/load/load-config.ts';
import type { CulvertConfig } from '../../../src/contract/config/config.ts';
import { formatDuration, parseDuration } from '../../../src/contract/values/duration.ts';
import { CulvertError } from '../../../src/errors.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { parseConfig } from './yaml.ts';

const parse = (text: string): CulvertConfig => parseConfig(text, 'culvert.yaml');

const DEFAULT_CHECK = {
  probe: { type: 'tcp' },
  intervalMs: 6000,
  timeoutMs: 3000,
  retries: 3,
  retryDelayMs: 3000,
  warmupMs: undefined,
  alpha: false,
  logAllFailures: false,
  via: 'tunnel',
  port: undefined,
  address: undefined,
  from: undefined,
};

test('what is left out has its default', () => {
  const text = `
director: {interface: eth0}
services:
  - vip: 192.0.2.10
    port: 80
    reals: [{address: 10.0.3.2}]
`;
  expect(parse(text)).toStrictEqual({
    director: {
      interface: 'eth0',
      interfaces: ['eth0'],
      plane: 'xdp',
      instance: 'eth0',
      hashSeed: undefined,
      timeouts: {
        establishedMs: 900_000,
        finWaitMs: 120_000,
        synRecvMs: 60_000,
        udpMs: 300_000,
        closeMs: 10_000,
        timeWaitMs: 120_000,
        sctp: {
          init1Ms: 4000,
          initMs: 61_000,
          cookieEchoedMs: 61_000,
          establishedMs: 900_000,
          shutdownMs: 61_000,
          closedMs: 61_000,
        },
      },
      expireNodestConn: true,
      expireQuiescentTemplate: false,
      sloppyTcp: false,
      claim: 'always',
      capacity: { slots: 4_194_304, flows: 1_048_576 },
      sync: undefined,
      listen: undefined,
      metricsListen: undefined,
      stateDirectory: '/var/lib/culvert',
      journalSize: 2 ** 26,
      runDirectory: '/run/culvert',
    },
    services: [
      {
        vip: ipv4('192.0.2.10'),
        protocol: 'tcp',
        port: 80,
        morePorts: [],
        scheduler: 'mh',
        schedulerFlags: [],
        hashOn: 'flow',
        onePacket: false,
        persistence: undefined,
        tunnel: { type: 'ipip' },
        blackhole: { policy: 'cure', after: 2 },
        claim: 'always',
        quorum: 1,
        hysteresis: 0,
        sorryServer: undefined,
        onQuorumUp: undefined,
        onQuorumDown: undefined,
        omega: false,
        reals: [
          {
            address: ipv4('10.0.3.2'),
            weight: 100,
            upperThreshold: 0,
            lowerThreshold: 0,
            tunnel: undefined,
            checks: [DEFAULT_CHECK],
            inhibitOnFailure: false,
            onUp: undefined,
            onDown: undefined,
          },
        ],
      },
    ],
  });
});

test('what is written holds', () => {
  const { director, services } = parse(`
director:
  interface: bond0.100
  instance: edge-1
  hashSeed: 5F3A0000000000000000000000000001
  timeouts: {tcp: 15m, tcpFin: 2m, synRecv: 30s, udp: 90s, close: 1500ms, timeWait: 3s, sctp: {init: 9s}}
  capacity: {slots: 1024, flows: 4096}
  listen: '[::1]:9000'
  stateDirectory: /srv/culvert
  journalSize: 512MiB
  runDirectory: /tmp/culvert
defaults: {scheduler: rr, hashOn: source, weight: 7, blackhole: refuse, tunnel: ipip}
services:
  - {vip: 192.0.2.10, protocol: udp, port: 53, reals: [{address: 10.0.3.2}, {address: 10.0.3.3, weight: 0}]}
  - {vip: 192.0.2.10, port: 80, scheduler: wrr, hashOn: flow, blackhole: {policy: cure, after: 5}, reals: []}
  - {vip: 192.0.2.10, port: 81, blackhole: {after: 9}, reals: []}
`);
  expect(director).toMatchObject({
    instance: 'edge-1',
    hashSeed: '5f3a0000000000000000000000000001',
    timeouts: {
      establishedMs: 900_000,
      finWaitMs: 120_000,
      synRecvMs: 30_000,
      udpMs: 90_000,
      closeMs: 1500,
      timeWaitMs: 3000,
      sctp: { initMs: 9000, init1Ms: 4000 },
    },
    capacity: { slots: 1024, flows: 4096 },
    listen: { address: '::1', port: 9000 },
    stateDirectory: '/srv/culvert',
    journalSize: 2 ** 29,
    runDirectory: '/tmp/culvert',
  });
  expect(services[0]).toMatchObject({ protocol: 'udp', scheduler: 'rr', hashOn: 'source' });
  expect(services[0]?.reals.map((real) => real.weight)).toEqual([7, 0]);
  expect(services.map((service) => service.blackhole)).toEqual([
    { policy: 'refuse', after: 2 },
    { policy: 'cure', after: 5 },
    { policy: 'refuse', after: 9 },
  ]);
  expect(services[1]).toMatchObject({ scheduler: 'wrr', hashOn: 'flow' });
});

test('what IPVS has beside: ports, flags, persistence, tunnels, thresholds, both families', () => {
  const { director, services } = parse(`
director: {interfaces: [eth0, eth1.7], expireNodestConn: false, expireQuiescentTemplate: true, sloppyTcp: true}
defaults: {scheduler: sh, schedulerFlags: [sh-port], tunnel: gre}
services:
  - vip: 192.0.2.10
    port: [443, 80, 8000-8002]
    persistence: 5m
    reals:
      - {address: 2001:db8:0::2, upperThreshold: 100, lowerThreshold: 80}
      - {address: 10.0.3.2, tunnel: {type: gue, port: 6080, checksum: remote}}
  - {vip: '2001:db8::10', port: all, protocol: sctp, persistence: {timeout: 90s, prefix: 64}, reals: []}
  - {vip: 192.0.2.10, port: 53, protocol: udp, onePacket: true, scheduler: wlc, tunnel: {type: gre, checksum: full}, reals: []}
  - {vip: 192.0.2.10, port: 54, schedulerFlags: [sh-fallback], persistence: {timeout: 1h}, reals: []}
`);
  expect(director).toMatchObject({
    interface: 'eth0',
    interfaces: ['eth0', 'eth1.7'],
    expireNodestConn: false,
    expireQuiescentTemplate: true,
    sloppyTcp: true,
  });
  expect(services[0]).toMatchObject({
    port: 443,
    morePorts: [80, 8000, 8001, 8002],
    scheduler: 'sh',
    schedulerFlags: ['sh-port'],
    persistence: { timeoutMs: 300_000, prefixLength: 32 },
    tunnel: { type: 'gre', checksum: 'none' },
    reals: [
      { address: ip('2001:db8::2'), upperThreshold: 100, lowerThreshold: 80, tunnel: undefined },
      { address: ip('10.0.3.2'), tunnel: { type: 'gue', port: 6080, checksum: 'remote' } },
    ],
  });
  expect(services[1]).toMatchObject({
    vip: ip('2001:db8::10'),
    port: 0,
    morePorts: [],
    protocol: 'sctp',
    persistence: { timeoutMs: 90_000, prefixLength: 64 },
  });
  expect(services[2]).toMatchObject({
    onePacket: true,
    schedulerFlags: [],
    tunnel: { type: 'gre', checksum: 'full' },
  });
  expect(services[3]).toMatchObject({
    schedulerFlags: ['sh-fallback'],
    persistence: { timeoutMs: 3_600_000, prefixLength: 32 },
  });
});

test('the clients of an IPv6 service persist each by itself', () => {
  const [service] = parse(
    'director: {interface: eth0}\nservices: [{vip: 2001:db8::1, port: 80, persistence: 1s, reals: []}]',
  ).services;
  expect(service?.persistence).toEqual({ timeoutMs: 1000, prefixLength: 128 });
});

test.each([
  ['{port: 80}', { port: 80 }],
  ['ping', { probe: { type: 'ping' } }],
])('all ports are checked at one that is named, or at none: %s', (asked, found) => {
  const { services } = parse(
    `director: {interface: eth0}\nservices: [{vip: 192.0.2.1, port: all, reals: [{address: 10.0.0.2, check: ${asked}}]}]`,
  );
  expect(services[0]?.reals[0]?.checks).toMatchObject([found]);
});

test('the simulated plane needs no interface', () => {
  expect(parse('director: {plane: simulated}\nservices: []').director.interface).toBe('simulated');
});

test('anchors and aliases are plain YAML', () => {
  const text = `director: {interface: eth0}
services:
  - {vip: 192.0.2.10, port: 80, reals: &farm [{address: 10.0.3.2}]}
  - {vip: 192.0.2.10, port: 443, reals: *farm}
`;
  expect(parse(text).services[1]?.reals).toHaveLength(1);
  const broken = text.replace('10.0.3.2', 'x');
  expect(() => parse(broken)).toThrow(/^culvert\.yaml:3:57: services\[0\]/);
});

test('durations', () => {
  expect(parseDuration('1.5s')).toBe(1500);
  for (const text of ['6', 's', '6 s', '-6s', '6d', '1e3s', '', '9999999999s']) {
    expect(parseDuration(text), text).toBeUndefined();
  }
  fc.assert(fc.property(fc.integer({ min: 0, max: 1e8 }), (ms) => parseDuration(formatDuration(ms)) === ms));
});

test('files are read, and those that cannot be are told apart', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'culvert-config-'));
  try {
    const file = join(directory, 'culvert.yaml');
    await writeFile(file, 'director: {interface: eth0}\nservices: []\n');
    expect((await loadConfig(file)).config.director.interface).toBe('eth0');
    await expect(loadConfig(join(directory, 'none.yaml'))).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: expect.stringContaining('no such file'),
    });
    await expect(loadConfig('/dev/zero')).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: expect.stringContaining('larger than 67108864 bytes'),
    });
    await expect(loadConfig(directory)).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
    await writeFile(file, Buffer.from([0xff, 0x00, 0x80]));
    await expect(loadConfig(file)).rejects.toMatchObject({ code: 'CONFIG_INVALID', where: `${file}:1:1` });
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a large file is parsed in a process of its own, with the same outcome', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'culvert-config-'));
  try {
    const services = Array.from(
      { length: 2000 },
      (_, i) => `  - {vip: 192.0.${i >> 8}.${i & 255}, port: 80, reals: [{address: 10.0.0.1}]}\n`,
    );
    const text = `director: {interface: eth0}\nservices:\n${services.join('')}`;
    expect(text.length).toBeGreaterThan(100_000);
    const file = join(directory, 'large.yaml');
    await writeFile(file, text);
    const loaded = await loadConfig(file);
    expect(loaded.config).toStrictEqual(parse(text));
    const host = { interfaces: ['eth1'] };
    expect(() => validateAgainstHost(loaded, host)).toThrow(`${file}:1:23: director.interface`);
    await writeFile(file, text.replace('10.0.0.1', 'x'));
    const expected = { code: 'CONFIG_INVALID', where: `${file}:3:50` };
    await expect(loadConfig(file)).rejects.toMatchObject(expected);
    await expect(loadConfig(file)).rejects.toThrow(
      /^.*large\.yaml:3:50: services\[0\]\.reals\[0\]\.address: found 'x'/,
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('the example of the reference is a configuration', async () => {
  const reference = await readFile(
    new URL('../../../docs/reference/configuration.md', import.meta.url),
    'utf8',
  );
  const examples = [...reference.matchAll(/```yaml\n([^]*?)```/g)].map((match) => match[1] ?? '');
  expect(examples.length).toBeGreaterThanOrEqual(1);
  const whole = parse(examples[0] ?? '');
  expect(whole.services.length).toBeGreaterThanOrEqual(2);
  expect(whole.director.hashSeed).toMatch(/^[0-9a-f]{32}$/);
});

test('no text brings the reader down', () => {
  const pieces = [
    'director',
    'services',
    ': ',
    '\n',
    '  ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    'vip',
    '"',
    '&a',
    '*a',
    '!!',
    '\0',
    '80',
  ];
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (rubbish) => {
      try {
        return parse(rubbish).services.length >= 0;
      } catch (error) {
        return (
          error instanceof CulvertError &&
          error.code === 'CONFIG_INVALID' &&
          /:\d+:\d+$/.test(error.where ?? '')
        );
      }
    }),
    { numRuns: 2000 },
  );
});

const twoServices = (first: string, second: string, general = ''): string =>
  `director: {interface: eth0${general}}
services:
  - {vip: 192.0.2.10, port: 80, reals: []${first}}
  - {vip: 192.0.2.10, port: 443, reals: []${second}}
`;
const claimsOf = (text: string): readonly string[] => parse(text).services.map(({ claim }) => claim);

test("claim is the service's, the director's, or always", () => {
  expect(claimsOf(twoServices('', ''))).toEqual(['always', 'always']);
  expect(claimsOf(twoServices('', '', ', claim: host'))).toEqual(['host', 'host']);
  const own = twoServices(', claim: never', ', claim: never', ', claim: host');
  expect(claimsOf(own)).toEqual(['never', 'never']);
  expect(claimsOf(twoServices(', claim: host', '', ', claim: host'))).toEqual(['host', 'host']);
});

test('claim is the same for all services of a VIP', () => {
  expect(() => parse(twoServices(', claim: host', ', claim: never'))).toThrow(
    /^culvert\.yaml:4:\d+: services\[1\]\.claim: found claim never, but host for the same VIP in line 3; allowed: the same for all services of a VIP$/,
  );
  expect(() => parse(twoServices('', ', claim: host'))).toThrow(
    /found claim host, but always for the same VIP/,
  );
});
