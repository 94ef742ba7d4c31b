import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { listenApi, type RunningApi } from '../../../src/api/server/listen.ts';
import { main } from '../../../src/cli/main.ts';
import { statsSchema } from '../../../src/contract/api/director-status.ts';
import { eventSchema } from '../../../src/contract/api/event.ts';
import { flowSchema } from '../../../src/contract/api/flow.ts';
import { realSchema, serviceSchema } from '../../../src/contract/api/service-status.ts';
import { CulvertError } from '../../../src/errors.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { ControlDouble } from '../api/control-double.ts';
import { type Outcome, Running, culvert as runCulvert, Sink } from './culvert.ts';

let directory: string;
let control: ControlDouble;
const apis: RunningApi[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-cli-'));
  control = new ControlDouble();
  await listen('eth0');
});

afterEach(async () => {
  await Promise.all(apis.splice(0).map((api) => api.close()));
  await rm(directory, { recursive: true });
});

async function listen(instance: string): Promise<void> {
  const socketPath = join(directory, `${instance}.sock`);
  apis.push(await listenApi({ control, version: '1.2.3', onDown: () => undefined, socketPath }));
}

function culvert(...argv: string[]): Promise<Outcome> {
  return runCulvert(argv, { CULVERT_RUN_DIRECTORY: directory });
}

function table(text: string): string {
  return `${text.replaceAll(/^ {6}/gm, '').trim()}\n`;
}

/** Its buffer is full after every write. */
class SlowSink extends Sink {
  mostListeners = 0;

  override write(chunk: unknown): boolean {
    this.text += String(chunk);
    setImmediate(() => {
      this.mostListeners = Math.max(this.mostListeners, this.listenerCount('close'));
      this.emit('drain');
    });
    return false;
  }
}

describe('tables', () => {
  test('services', async () => {
    expect(await culvert('services')).toEqual({
      status: 0,
      stderr: '',
      stdout: table(`
      SERVICE               SCHEDULER     PERSISTENCE  TUNNEL           REALS  UP  DOWN  WEIGHT  QUORUM                  SORRY SERVER     ACTIVE  INACTIVE  PERSISTENT
      tcp 192.0.2.10:80     mh            -            ipip                 3   2     1     100  up                      -                     9         6           0
      udp 192.0.2.10:53 +2  sh (sh-port)  5m/24        gue:6080 remote      1   1     0       0  lost (100 of 150 + 10)  10.0.9.9 serves   1,234        56           7
      `),
    });
  });

  test('reals', async () => {
    expect((await culvert('reals')).stdout).toBe(
      table(`
      SERVICE            REAL      WEIGHT  CONFIGURED  ACTIVE  INACTIVE  PERSISTENT  CHECK  HEALTH  FOR  LAST CHECK         NOTE
      tcp 192.0.2.10:80  10.0.1.2     100         100       3         2           0  tcp    up       2m  0.4 ms, connected
      tcp 192.0.2.10:80  10.0.2.2       0         100       3         2           0  http   down     5s  1.4 ms, failed     connection refused (4 times)
      tcp 192.0.2.10:80  10.0.3.2       0         100       3         2           0  tcp    up       2m  0.4 ms, connected  drained
      udp 192.0.2.10:53  10.0.1.2       0         100   1,234        56           7  tcp    up       2m  0.4 ms, connected  displaced by the sorry server; tunnel gre; at most 5,000 flows
      `),
    );
  });

  test('stats', async () => {
    expect((await culvert('stats')).stdout).toBe(
      table(`
      SERVICE            REAL      CONNECTIONS    PACKETS        BYTES  CONNS/S  PACKETS/S  BYTES/S  ACTIVE  INACTIVE  PERSISTENT
      tcp 192.0.2.10:80  (all)           1,234  1,234,567  987,654,321        0          0        0       3         2           1
      tcp 192.0.2.10:80  10.0.1.2        1,200  1,234,000  987,000,000        0          0        0       3         2           1
      tcp 192.0.2.10:80  10.0.2.2            1         10        1,000        0          0        0       0         0           0
      tcp 192.0.2.10:80  10.0.3.2            1         10        1,000        0          0        0       0         0           0
      udp 192.0.2.10:53  (all)               0          0            0        0          0        0       0         0           0
      udp 192.0.2.10:53  10.0.1.2            1         10        1,000        0          0        0       0         0           0

      REASON         PACKETS  MEANING
      no-flow          3,400  the packet belongs to no flow and does not open one; reset or abort was sent
      too-big             12  the packet does not fit the tunnel; fragmentation needed or packet too big was sent
      (slow path)      3,500  handed over by the fast path, for all reasons
      (over budget)        7  rare packets that the fast path dropped during a flood
      `),
    );
  });

  test('flows', async () => {
    expect((await culvert('flows')).stdout).toBe(
      table(`
      PROTOCOL  CLIENT                 SERVICE                REAL             STATE          IDLE  LEFT
      tcp       198.51.100.2:40000     192.0.2.10:80          10.0.1.2         ESTABLISHED      1s   14m
      udp       198.51.100.77:5353     192.0.2.10:53          10.0.2.2         UDP              1m    3m
      `),
    );
    expect((await culvert('flows', '--real', '10.0.9.9')).stdout).toBe('no flows are remembered\n');
  });

  test('flows of IPv6, of all ports, and what persistence remembers', async () => {
    const service = { vip: ip('2001:db8::10'), protocol: 'sctp', port: 0 } as const;
    const common = { service, real: ip('10.0.1.2'), idleMs: 0, leftMs: 61_000 };
    control.flowRecords.splice(
      0,
      2,
      { ...common, client: ip('2001:db8:1::7'), clientPort: 40_000, state: 'COOKIE_ECHOED' },
      { ...common, client: ip('2001:db8:1::'), clientPort: 0, state: 'TEMPLATE' },
    );
    const { stdout } = await culvert('flows');
    expect(stdout.replaceAll(/ +/g, ' ')).toBe(
      table(`
      PROTOCOL CLIENT SERVICE REAL STATE IDLE LEFT
      sctp [2001:db8:1::7]:40000 [2001:db8::10]:all 10.0.1.2 COOKIE_ECHOED 0s 1m
      sctp 2001:db8:1:: [2001:db8::10]:all 10.0.1.2 TEMPLATE 0s 1m
      `),
    );
  });

  test.each([
    [['--client', '198.51.100.64/26'], 1],
    [['--client', '198.51.100.0/24'], 2],
    [['--state', 'UDP'], 1],
    [['--state', 'CLOSE'], 0],
    [['--service', 'tcp:192.0.2.10:80', '--client', '198.51.100.0/24', '--state', 'ESTABLISHED'], 1],
  ])('flows %j are %i', async (filter, count) => {
    const { stdout } = await culvert('flows', '--json', ...filter);
    expect(stdout.split('\n').length - 1).toBe(count);
  });

  test('events', async () => {
    expect((await culvert('events', '--after', '1')).stdout).toBe(
      '2026-01-02T03:04:05.000Z  warning  real-down         real 10.0.2.2 of tcp 192.0.2.10:80 is down: connection refused\n',
    );
  });

  test('are coloured on a terminal', async () => {
    const running = new Running(['reals'], { CULVERT_RUN_DIRECTORY: directory }, true);
    expect((await running.ended).stdout).toContain('\u001b[31mdown\u001b[0m');
  });
});

describe('--json', () => {
  test.each([
    ['services', z.array(serviceSchema)],
    ['reals', z.array(realSchema)],
    ['stats', statsSchema],
  ])('%s prints what the API answers', async (name, schema) => {
    const { status, stdout } = await culvert(name, '--json');
    expect(status).toBe(0);
    expect(schema.safeParse(JSON.parse(stdout)).error).toBeUndefined();
  });

  test.each([
    ['flows', flowSchema],
    ['events', eventSchema],
  ])('%s prints one object to a line', async (name, schema) => {
    const lines = (await culvert(name, '--json')).stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(schema.safeParse(JSON.parse(line)).error).toBeUndefined();
  });

  test('of a change prints the changed reals', async () => {
    const { stdout } = await culvert('drain', '10.0.1.2', '--json');
    expect(z.array(realSchema).parse(JSON.parse(stdout))[0]?.drained).toBe(true);
  });
});

describe('changes', () => {
  test.each([
    [['drain', '10.0.1.2'], 'drain 10.0.1.2'],
    [['undrain', '10.0.1.2', '--service', 'tcp:192.0.2.10:80'], 'undrain 10.0.1.2 of port 80'],
    [['weight', '10.0.1.2', '50'], 'weight 50 10.0.1.2'],
    [['weight', '10.0.1.2', '0'], 'weight 0 10.0.1.2'],
    [['weight', '10.0.1.2', 'configured'], 'clear 10.0.1.2'],
    [['reload'], 'reload'],
  ])('%j', async (argv, call) => {
    expect(await culvert(...argv)).toMatchObject({ status: 0, stderr: '' });
    expect(control.calls).toEqual([call]);
  });

  test('reload says what changed', async () => {
    expect((await culvert('reload')).stdout).toBe(
      'services: 1 added, 0 changed, 2 removed; reals: unchanged; applied in 1.3 ms\n',
    );
  });

  test('a refused reload prints the errors of the file and fails', async () => {
    control.reloadError = new CulvertError('CONFIG_INVALID', 'unknown key', { where: 'culvert.yaml:3:5' });
    expect(await culvert('reload')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'culvert: culvert.yaml:3:5: unknown key\n',
    });
  });

  test('an unknown real fails in one line', async () => {
    expect(await culvert('drain', '10.9.9.9')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'culvert: no service has a real 10.9.9.9\n',
    });
  });
});

describe('events --follow', () => {
  test('goes on until it is interrupted', async () => {
    const running = new Running(['events', '--follow', '--json'], { CULVERT_RUN_DIRECTORY: directory });
    await running.stdout.waitFor(/real-down/);
    control.emit('info', 'real-up', 'real 10.0.2.2 is up');
    await running.stdout.waitFor(/real-up/);
    running.signals.emit('SIGINT');
    const { status, stdout } = await running.ended;
    expect(status).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
    expect(running.signals.listenerCount('SIGINT')).toBe(0);
    await vi.waitFor(() => expect(control.listeners).toBe(0));
  });

  test('waits when the director goes away, and says so', async () => {
    const running = new Running(['events', '--follow'], { CULVERT_RUN_DIRECTORY: directory });
    await running.stdout.waitFor(/real-down/);
    await apis[0]?.close();
    await running.stderr.waitFor(/the director is gone/);
    running.signals.emit('SIGINT');
    expect(await running.ended).toMatchObject({ status: 0 });
  });
});

describe('flows to a slow reader', () => {
  test('are printed whole, and nothing piles up', async () => {
    const [flow] = control.flowRecords;
    if (flow === undefined) throw new Error('the double has no flow');
    control.flowRecords.push(
      ...Array.from({ length: 2000 }, (_, port) => ({ ...flow, clientPort: port + 1 })),
    );
    const stdout = new SlowSink();
    const status = await main({
      argv: ['flows', '--json'],
      stdout,
      stderr: new Sink(),
      env: { CULVERT_RUN_DIRECTORY: directory },
    });
    expect(status).toBe(0);
    expect(stdout.text.trimEnd().split('\n')).toHaveLength(2002);
    expect(stdout.mostListeners).toBeLessThan(3);
  });
});

describe('which director', () => {
  test('several: one must be named, and can be', async () => {
    await listen('eth1');
    expect(await culvert('reals')).toEqual({
      status: 2,
      stdout: '',
      stderr: 'culvert: several directors are running: eth0, eth1. fix: choose one with --instance\n',
    });
    expect((await culvert('reals', '--instance', 'eth1')).status).toBe(0);
    expect((await culvert('reals', '--socket', join(directory, 'eth0.sock'))).status).toBe(0);
    const named = { CULVERT_RUN_DIRECTORY: directory, CULVERT_SOCKET: join(directory, 'eth0.sock') };
    expect((await runCulvert(['reals'], named)).status).toBe(0);
  });

  test('none: says how to start one', async () => {
    const empty = join(directory, 'empty');
    await mkdir(empty);
    for (const run of [empty, join(directory, 'missing')]) {
      const { status, stderr } = await runCulvert(['reals'], { CULVERT_RUN_DIRECTORY: run });
      expect(status).toBe(1);
      expect(stderr).toBe(
        `culvert: ${run}: no director is running. fix: start one with \`culvert run -c FILE\`, or name its socket with --socket\n`,
      );
    }
  });

  test('a dead one: says that nobody answers', async () => {
    expect(await culvert('reals', '--instance', 'gone')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/gone\.sock: no director answers .*\n$/),
    });
  });
});
