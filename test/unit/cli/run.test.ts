import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passMs } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Outcome, Running, culvert as runCulvert } from './culvert.ts';

/** `run` and the commands that speak to it, over a real director with the simulated plane. */
let directory: string;
let file: string;
const started: Running[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-run-'));
  file = join(directory, 'culvert.yaml');
  await configure(['10.0.1.2', '10.0.2.2']);
});

afterEach(async () => {
  const ending = started.splice(0);
  for (const running of ending) running.signals.emit('SIGTERM');
  // What ends writes its state once more.
  await Promise.allSettled(ending.map(({ ended }) => ended));
  await rm(directory, { recursive: true });
});

async function configure(reals: readonly string[], extra = ''): Promise<void> {
  await writeFile(
    file,
    `director: {plane: simulated, instance: here, runDirectory: ${directory}, stateDirectory: ${directory}${extra}}
services:
  - {vip: 192.0.2.10, port: 80, reals: [${reals.map((address) => `{address: ${address}}`).join(', ')}]}
`,
  );
}

async function start(): Promise<Running> {
  const running = new Running(['run', '-c', file]);
  started.push(running);
  await Promise.race([
    running.stderr.waitFor(/ready/),
    running.ended.then(({ stderr }) => Promise.reject(new Error(`it ended: ${stderr}`))),
  ]);
  return running;
}

function culvert(...argv: string[]): Promise<Outcome> {
  return runCulvert(argv, { CULVERT_RUN_DIRECTORY: directory });
}

async function json<Shape>(...argv: string[]): Promise<Shape> {
  const { stdout, stderr } = await culvert(...argv, '--json');
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Shape;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

type Real = { readonly address: string; readonly effectiveWeight: number };

describe('run', () => {
  test('logs JSON, answers commands, and ends at SIGTERM', async () => {
    const running = await start();
    for (const line of running.stderr.text.trimEnd().split('\n')) {
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), time: expect.any(String) });
    }
    expect((await json<Real[]>('reals')).map((real) => real.address)).toEqual(['10.0.1.2', '10.0.2.2']);
    running.signals.emit('SIGTERM');
    expect(await running.ended).toMatchObject({ status: 0, stdout: '' });
    await expect(stat(join(directory, 'here.sock'))).rejects.toThrow('ENOENT');
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'])
      expect(running.signals.listenerCount(signal)).toBe(0);
  });

  test('is refused while another one holds the instance', async () => {
    const running = await start();
    const { status, stderr } = await runCulvert(['run', '-c', file]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/here\.sock: a director already answers here; /);
    expect(await json<Real[]>('reals')).toHaveLength(2);
    running.signals.emit('SIGINT');
    expect((await running.ended).status).toBe(0);
  });

  test('a file with errors starts nothing', async () => {
    await writeFile(file, 'services: []\nfrobnicate: 1\n');
    const { status, stderr } = await runCulvert(['run', '-c', file]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^culvert: .*culvert\.yaml:\d+:\d+: /);
    await expect(stat(join(directory, 'here.sock'))).rejects.toThrow('ENOENT');
  });

  test('reads its file again at SIGHUP and at reload; one with errors changes nothing', async () => {
    const running = await start();
    await configure(['10.0.1.2', '10.0.2.2', '10.0.3.2']);
    running.signals.emit('SIGHUP');
    await vi.waitFor(async () => expect(await json<Real[]>('reals')).toHaveLength(3));
    await configure(['10.0.1.2']);
    expect(await json('reload')).toMatchObject({ realsAdded: 0, realsRemoved: 2 });
    await writeFile(file, 'services: 7\n');
    const { status, stderr } = await culvert('reload');
    expect(status).toBe(1);
    expect(stderr).toMatch(/culvert\.yaml:1:\d+: /);
    running.signals.emit('SIGHUP');
    await vi.waitFor(async () =>
      expect((await culvert('events')).stdout.match(/reload-failed/g)).toHaveLength(2),
    );
    expect(await json<Real[]>('reals')).toHaveLength(1);
  });

  test('a weight set by hand survives a restart', async () => {
    const first = await start();
    expect(await json<Real[]>('drain', '10.0.1.2')).toEqual([
      expect.objectContaining({ effectiveWeight: 0 }),
    ]);
    first.signals.emit('SIGTERM');
    await first.ended;
    await start();
    expect((await json<Real[]>('reals')).map((real) => real.effectiveWeight)).toEqual([0, 100]);
    expect((await culvert('reals')).stdout).toMatch(/10\.0\.1\.2 .*drained/);
  });

  test('serves the API over TCP where the configuration says so', async () => {
    const port = await freePort();
    await configure(['10.0.1.2'], `, listen: '127.0.0.1:${port}'`);
    await start();
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toContain(
      'culvert_real_weight{protocol="tcp",vip="192.0.2.10",port="80",real="10.0.1.2"} 100',
    );
  });
});

describe('explain', () => {
  const packet = ['--from', '198.51.100.2:4000', '--to', '192.0.2.10:80'];

  test('a running director', async () => {
    await start();
    const { stdout } = await culvert('explain', ...packet);
    expect(stdout).toMatch(/Forwarded to 10\.0\.[12]\.2\.\n\nIPv4 .* > 10\.0\.[12]\.2, length 60\n/);
  });

  test('a configuration file', async () => {
    const explained = await json<{ verdict: string; real: string; sentences: string[] }>(
      'explain',
      ...packet,
      '-c',
      file,
    );
    expect(explained).toMatchObject({ verdict: 'forward', real: expect.stringMatching(/^10\.0\.[12]\.2$/) });
    expect(explained.sentences.length).toBeGreaterThan(3);
    for (const sentence of explained.sentences) expect(sentence).toMatch(/^[^\n]+[.]$/);
    expect(explained.sentences.at(-1)).toBe('Forwarded (the fast path does the same).');
    const { stdout } = await culvert(
      'explain',
      ...packet,
      '--tcp',
      'ack',
      '--length',
      '1500',
      '--df',
      '-c',
      file,
    );
    expect(stdout).toMatch(/Answered to 198\.51\.100\.2 \(too-big: /);
    expect(stdout).toMatch(/fragmentation needed, MTU 1480/);
  });

  test('a file with a hash seed names the real that every director with that seed names', async () => {
    await configure(['10.0.1.2', '10.0.2.2', '10.0.3.2'], ', hashSeed: 000102030405060708090a0b0c0d0e0f');
    await start();
    for (const port of [4000, 4001, 4002, 4003]) {
      const flow = ['--from', `198.51.100.2:${port}`, '--to', '192.0.2.10:80'];
      const running = await json<{ real: string }>('explain', ...flow);
      const offline = await json<{ real: string }>('explain', ...flow, '-c', file);
      expect(offline.real).toBe(running.real);
    }
  });
});

describe('explain --at', () => {
  const packet = ['--from', '198.51.100.2:4000', '--to', '192.0.2.10:80'];

  test('says what a director did that has ended, by the same words', async () => {
    const running = await start();
    const before = new Date().toISOString();
    const now = await json<{ real: string; sentences: string[] }>('explain', ...packet);
    await passMs(50);
    await culvert('drain', now.real);
    await passMs(50);
    const after = new Date().toISOString();
    running.signals.emit('SIGTERM');
    await running.ended;
    const at = (time: string): string[] => [
      ...packet,
      '--at',
      time,
      '--journal',
      join(directory, 'here.journal'),
    ];
    type Past = typeof now & { readonly at: string; readonly revision: string };
    const then = await json<Past>('explain', ...at(before));
    expect(then).toMatchObject({
      at: before,
      real: now.real,
      revision: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(then.sentences.slice(-now.sentences.length)).toEqual(now.sentences);
    const drained = await json<Past>('explain', ...at(after));
    expect(drained.real).not.toBe(now.real);
    expect(drained.sentences.join(' ')).toContain(`${now.real} was drained by an operator, since `);
    const { stdout } = await culvert('explain', ...at('1ms ago'));
    expect(stdout).toContain(`${now.real} of tcp 192.0.2.10:80: drained`);
  });

  test('a time that nobody can know is an error with what to do', async () => {
    const missing = await culvert('explain', ...packet, '--at', '14:03', '--journal', join(directory, 'x'));
    expect(missing).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('there is no journal. fix: '),
    });
    const wrong = await culvert('explain', ...packet, '--at', 'noon');
    expect(wrong).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("found 'noon'; allowed: a time"),
    });
  });
});

describe('down', () => {
  test('ends the daemon and leaves nothing behind', async () => {
    const running = await start();
    expect(await culvert('down')).toEqual({ status: 0, stdout: 'here: ended by its director\n', stderr: '' });
    expect((await running.ended).status).toBe(0);
    await expect(stat(join(directory, 'here.sock'))).rejects.toThrow('ENOENT');
    await expect(readFile(join(directory, 'here.json'))).rejects.toThrow('ENOENT');
  });

  test('finds nothing and succeeds', async () => {
    expect(await json('down', '-c', file)).toEqual({ instance: 'here', outcome: 'nothing was there' });
  });
});
