import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiClient } from '../../../src/api/client/client.ts';
import {
  listenApi,
  prepareListeners,
  type RunningApi,
  socketPathOf,
} from '../../../src/api/server/listen.ts';
import type { DirectorEvent } from '../../../src/contract/api/event.ts';
import { ControlDouble } from './control-double.ts';

let directory: string;
let socketPath: string;
let control: ControlDouble;
let downs: number;
const running: RunningApi[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-api-'));
  socketPath = socketPathOf({ runDirectory: join(directory, 'run'), instance: 'eth0' });
  control = new ControlDouble();
  downs = 0;
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((api) => api.close()));
  await rm(directory, { recursive: true });
});

async function listen(tcp?: { address: string; port: number }): Promise<RunningApi> {
  const config = tcp && { ...tcp, names: undefined, tokenFile: undefined, tls: undefined };
  const listeners = await prepareListeners({ listen: config, metricsListen: undefined }, () => undefined);
  const api = await listenApi({
    control,
    version: '1.2.3',
    onDown: () => void downs++,
    socketPath,
    listeners,
  });
  running.push(api);
  return api;
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** A socket as a killed process leaves it: bound once, nobody listens. */
async function leaveStaleSocket(): Promise<void> {
  const script = `
    require('node:fs').mkdirSync(require('node:path').dirname(process.argv[2]), { recursive: true });
    require('node:net').createServer().listen(process.argv[2], () => process.send('up'));`;
  const file = join(directory, 'listener.cjs');
  await writeFile(file, script);
  const child = fork(file, [socketPath]);
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('the configuration, with its secret and its commands, is not for who comes over TCP', async () => {
  const api = await listen({ address: '127.0.0.1', port: 0 });
  const config = { director: { plane: 'simulated' }, services: [] };
  const body = JSON.stringify({ config });
  const headers = { 'content-type': 'application/json' };
  for (const [method, path] of [
    ['GET', ''],
    ['PUT', ''],
    ['POST', '/diff'],
    ['POST', '/confirm'],
    ['POST', '/revert'],
  ] as const) {
    const request = method === 'GET' ? { method } : { method, headers, body };
    const response = await fetch(`${api.urls[0]}/v1/config${path}`, request);
    expect([response.status, await response.json()]).toEqual([
      403,
      expect.objectContaining({ code: 'PERMISSION' }),
    ]);
  }
  expect(control.calls).toEqual([]);
  const client = new ApiClient(socketPath);
  expect(await client.config()).toMatchObject({ revision: 'r1' });
  expect(await client.apply({ config })).toMatchObject({ revision: 'r2' });
  expect(await client.diff(config)).toMatchObject({ director: [] });
  expect(await client.confirm()).toMatchObject({ source: 'applied' });
  await expect(client.revert()).rejects.toMatchObject({ code: 'CONFLICT' });
});

describe('the control socket', () => {
  test('is for its owner alone and goes away with the server', async () => {
    const api = await listen();
    const made = await stat(socketPath);
    expect(made.isSocket()).toBe(true);
    expect(made.mode & 0o777).toBe(0o600);
    await api.close();
    await expect(stat(socketPath)).rejects.toThrow('ENOENT');
  });

  test('leaves the umask as it was', async () => {
    const before = process.umask();
    await listen();
    expect(process.umask()).toBe(before);
  });

  test('of a dead process is replaced', async () => {
    await leaveStaleSocket();
    expect((await stat(socketPath)).isSocket()).toBe(true);
    await listen();
    expect((await new ApiClient(socketPath).status()).pid).toBe(4711);
  });

  test('of a living director is not touched', async () => {
    await listen();
    await expect(listen()).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: expect.stringContaining(socketPath),
    });
    expect((await new ApiClient(socketPath).status()).pid).toBe(4711);
  });

  test('a file in its place is not removed', async () => {
    socketPath = join(directory, 'file.sock');
    await writeFile(socketPath, 'precious');
    await expect(listen()).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
    expect((await stat(socketPath)).size).toBe(8);
  });
});

describe('the TCP address', () => {
  test('serves the same', async () => {
    const { urls } = await listen({ address: '127.0.0.1', port: 0 });
    const response = await fetch(`${urls[0]}/v1/reals`);
    expect(await response.json()).toHaveLength(4);
  });

  test('that is taken fails in words and leaves no socket', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    try {
      await expect(listen({ address: '127.0.0.1', port })).rejects.toMatchObject({
        code: 'INTERFACE',
        message: expect.stringMatching(/^127\.0\.0\.1:\d+: .*director\.listen/),
      });
      await expect(stat(socketPath)).rejects.toThrow('ENOENT');
    } finally {
      taken.close();
    }
  });
});

describe('the client', () => {
  test('says what to do when nobody answers', async () => {
    await expect(new ApiClient(socketPath).status()).rejects.toMatchObject({
      code: 'NOT_RUNNING',
      message: expect.stringContaining('culvert run -c FILE'),
    });
  });

  test('does not wait for ever for a director that is stopped', async () => {
    // It takes connections, as the kernel does for a process that stands still.
    await using server = createServer((socket) => socket.resume());
    await mkdir(dirname(socketPath), { recursive: true });
    server.listen(socketPath);
    await once(server, 'listening');
    await expect(new ApiClient(socketPath, { answerWithinMs: 100 }).status()).rejects.toMatchObject({
      code: 'NOT_RUNNING',
      message: expect.stringContaining('has not answered for 0.1 s'),
    });
  });

  test('throws what the director answered', async () => {
    await listen();
    await expect(new ApiClient(socketPath).drain({ address: '10.9.9.9' })).rejects.toMatchObject({
      name: 'CulvertError',
      code: 'NOT_FOUND',
      message: 'no service has a real 10.9.9.9',
    });
  });

  test('lists flows as they come', async () => {
    await listen();
    const flows = await collect(new ApiClient(socketPath).flows({ real: '10.0.1.2' }));
    expect(flows.map((flow) => flow.clientPort)).toEqual([40_000]);
  });

  test('follows events without a gap until it has enough', async () => {
    await listen();
    const stop = new AbortController();
    const seen: DirectorEvent[] = [];
    for await (const event of new ApiClient(socketPath).follow(1, stop.signal)) {
      seen.push(event);
      if (event.sequence === 2) control.emit('info', 'real-up', 'line one\nline two');
      if (event.sequence === 3) stop.abort();
    }
    expect(seen.map((event) => [event.sequence, event.message.slice(-8)])).toEqual([
      [2, ' refused'],
      [3, 'line two'],
    ]);
    await vi.waitFor(() => expect(control.listeners).toBe(0));
  });

  test('says so when the director goes away while it follows', async () => {
    const api = await listen();
    const following = collect(new ApiClient(socketPath).follow(0, new AbortController().signal));
    const outcome = expect(following).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    await vi.waitFor(() => expect(control.listeners).toBe(1));
    await api.close();
    await outcome;
  });

  test('down is answered before the process is told to end', async () => {
    await listen();
    await new ApiClient(socketPath).down();
    expect(control.calls).toEqual(['remove']);
    await vi.waitFor(() => expect(downs).toBe(1));
  });
});
