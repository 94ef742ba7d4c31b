import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CheckConnector, CheckTarget } from '../../../src/dataplane/check-connector.ts';
import { connectDirect } from '../../../src/dataplane/connect-direct.ts';
import type { Check } from '../../../src/health/check-identity.ts';
import type { CheckState, KnownHealth } from '../../../src/health/check-state.ts';
import { Checker } from '../../../src/health/checker.ts';
import { openProbe } from '../../../src/health/open-probe.ts';
import type { ProbeContext } from '../../../src/health/probe.ts';
import { isSameEffect } from '../../../src/health/weight-effect.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { TcpOnlyConnector } from './tcp-only-connector.ts';

const LOOPBACK = ipv4('127.0.0.1');
const UP = { up: true, sinceMs: 0, lastError: undefined };

let stop: AbortController;
let servers: Server[];
beforeEach(() => {
  stop = new AbortController();
  servers = [];
});
afterEach(async () => {
  stop.abort();
  for (const server of servers) await close(server);
});

const direct = new TcpOnlyConnector(async (target, signal) => {
  if (target.via !== 'direct') throw new Error('only direct targets here');
  const connection = await connectDirect(target, signal);
  connection[Symbol.dispose]();
});

async function listen(port = 0): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

async function close(server: Server | undefined): Promise<void> {
  if (server?.listening === true) await new Promise((resolve) => server.close(resolve));
}

function checkOf(target: CheckTarget, times: Partial<Check['schedule']> = {}): Check {
  const schedule = {
    intervalMs: 60,
    timeoutMs: 1000,
    retries: 2,
    retryDelayMs: 30,
    warmupMs: undefined,
    ...times,
  };
  const probe = openProbe({ type: 'tcp' });
  return {
    key: JSON.stringify(target),
    type: 'tcp',
    target,
    probe,
    schedule,
    alpha: false,
    logAllFailures: false,
  };
}

interface Change {
  readonly key: string;
  readonly state: CheckState;
  readonly atMs: number;
}

function run(
  checks: readonly Check[],
  connector: CheckConnector = direct,
  known: KnownHealth = UP,
): { checker: Checker; changes: Change[] } {
  const changes: Change[] = [];
  const former = new Map<string, Partial<CheckState>>();
  // Only turns and other weights: the attempts in between are of no interest here.
  const onResult = (key: string, state: CheckState): void => {
    const before = former.get(key) ?? known;
    former.set(key, state);
    const turned = state.up !== before.up || (before.presumed === true && !state.presumed);
    if (turned || !isSameEffect(state.weight, before.weight)) {
      changes.push({ key, state, atMs: performance.now() });
    }
  };
  const checker = new Checker({ connector, onResult, signal: stop.signal });
  checker.update(checks.map((check) => ({ check, known })));
  return { checker, changes };
}

test('a server that goes away and comes back, over real connections', async () => {
  const port = await listen();
  const check = checkOf({ via: 'direct', address: LOOPBACK, port });
  const { changes, checker } = run([check]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(changes).toEqual([]);
  await close(servers[0]);
  const brokenMs = performance.now();
  await vi.waitFor(() => expect(changes).toHaveLength(1), { interval: 1 });
  expect(changes[0]?.state).toMatchObject({ up: false, failures: 3, lastError: 'connection refused' });
  // The check's own schedule: one interval, two retries.
  const took = (changes[0]?.atMs ?? 0) - brokenMs;
  expect(took).toBeGreaterThan(2 * 30 - 5);
  await listen(port);
  await vi.waitFor(() => expect(changes).toHaveLength(2), { interval: 1 });
  expect(checker.state(check.key)).toMatchObject({ up: true, failures: 0, lastError: undefined });
});

test('a silent server fails each attempt at its timeout, and the attempt is given up', async () => {
  const signals: AbortSignal[] = [];
  const silent = new TcpOnlyConnector((_target, signal) => {
    signals.push(signal);
    return new Promise(() => undefined);
  });
  const check = checkOf({ via: 'direct', address: LOOPBACK, port: 9 }, { timeoutMs: 40, retries: 1 });
  const startMs = performance.now();
  const { changes } = run([check], silent);
  await vi.waitFor(() => expect(changes).toHaveLength(1), { interval: 1 });
  expect(changes[0]?.state).toMatchObject({ failures: 2, lastError: 'no answer within 40ms' });
  const took = (changes[0]?.atMs ?? 0) - startMs;
  expect(took).toBeGreaterThanOrEqual(40 + 30 + 40 - 5);
  expect(signals.slice(0, 2).map((signal) => signal.aborted)).toEqual([true, true]);
});

/** Counts attempts by port and answers as `fails` says. */
class CountingConnector extends TcpOnlyConnector {
  readonly attempts = new Map<number, number>();
  fails = false;

  constructor() {
    super((target) => this.#attempt(target));
  }

  async #attempt({ port }: CheckTarget): Promise<void> {
    this.attempts.set(port, (this.attempts.get(port) ?? 0) + 1);
    if (this.fails) throw new Error('connection reset');
  }
}

test('identical checks run once', async () => {
  const connector = new CountingConnector();
  const check = checkOf({ via: 'direct', address: LOOPBACK, port: 80 }, { intervalMs: 100_000 });
  run([check, { ...check }], connector);
  await vi.waitFor(() => expect(connector.attempts.get(80)).toBe(1));
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(connector.attempts.get(80)).toBe(1);
});

test('an update keeps what stays, starts what is new and ends what is gone', async () => {
  const connector = new CountingConnector();
  connector.fails = true;
  const checks = [80, 81, 82].map((port) =>
    checkOf({ via: 'direct', address: LOOPBACK, port }, { intervalMs: 20, retries: 0 }),
  );
  const [first, second, third] = checks as [Check, Check, Check];
  const { checker, changes } = run([first, second], connector);
  await vi.waitFor(() => expect(changes).toHaveLength(2));
  checker.update([second, third].map((check) => ({ check, known: UP })));
  expect(checker.state(first.key)).toBeUndefined();
  expect(checker.state(second.key)?.up).toBe(false);
  expect(checker.state(third.key)?.up).toBe(true);
  const before = connector.attempts.get(80);
  await vi.waitFor(() => expect(checker.state(third.key)?.up).toBe(false));
  expect(connector.attempts.get(80)).toBe(before);
});

test('what was down is down until it is checked', async () => {
  const connector = new CountingConnector();
  const check = checkOf({ via: 'direct', address: LOOPBACK, port: 80 });
  const { checker, changes } = run([check], connector, { ...UP, up: false });
  expect(checker.state(check.key)?.up).toBe(false);
  await vi.waitFor(() => expect(changes.map(({ state }) => state.up)).toEqual([true]));
});

test('after the signal nothing is tried any more, and the last states remain to be read', async () => {
  const connector = new CountingConnector();
  connector.fails = true;
  const check = checkOf({ via: 'direct', address: LOOPBACK, port: 80 }, { intervalMs: 10, retries: 0 });
  const { checker, changes } = run([check], connector);
  await vi.waitFor(() => expect(changes).toHaveLength(1));
  stop.abort();
  const before = connector.attempts.get(80);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(connector.attempts.get(80)).toBe(before);
  expect(checker.state(check.key)?.up).toBe(false);
});

test('an answer that came while the process was busy counts, however late it is read', async () => {
  let answered: (() => void) | undefined;
  const server = createServer((socket) => socket.on('data', () => answered?.()));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as { port: number }).port, '127.0.0.1');
  await once(client, 'connect');
  const busy = new TcpOnlyConnector(
    () =>
      new Promise((resolve) => {
        answered = resolve;
        // From here the loop runs timers before it reads what has come.
        setImmediate(() => {
          client.write('x');
          const until = performance.now() + 60;
          while (performance.now() < until);
        });
      }),
  );
  const times = { timeoutMs: 30, retries: 0, intervalMs: 10_000 };
  const check = checkOf({ via: 'direct', address: LOOPBACK, port: 9 }, times);
  const { changes } = run([check], busy);
  await new Promise((resolve) => setTimeout(resolve, 200));
  client.destroy();
  expect(changes).toEqual([]);
});

test('a probe that silence passes is up when its time has passed without an answer', async () => {
  const check = checkOf({ via: 'direct', address: LOOPBACK, port: 9 }, { timeoutMs: 20, intervalMs: 20 });
  const probe = { silencePasses: true, run: () => new Promise<undefined>(() => undefined) };
  const { changes } = run([{ ...check, probe }], direct, { ...UP, up: false });
  await vi.waitFor(() => expect(changes.map(({ state }) => state.up)).toEqual([true]));
});

test('another weight is told at once, the same one not again', async () => {
  const weights = [5, 5, 7, 7, 7];
  const probe = { silencePasses: false, run: () => Promise.resolve({ set: weights.shift() ?? 7 }) };
  const check = { ...checkOf({ via: 'direct', address: LOOPBACK, port: 9 }, { intervalMs: 10 }), probe };
  const { changes } = run([check]);
  await vi.waitFor(() => expect(weights).toEqual([]));
  expect(changes.map(({ state }) => state.weight)).toEqual([{ set: 5 }, { set: 7 }]);
});

test('a result is reported if it differs from the one before: each failure, and the first success', async () => {
  const connector = new CountingConnector();
  connector.fails = true;
  const check = checkOf(
    { via: 'direct', address: LOOPBACK, port: 80 },
    { intervalMs: 20, retries: 1, retryDelayMs: 5 },
  );
  const found: [up: boolean, failures: number][] = [];
  const onResult = (_key: string, { up, failures }: CheckState): void => {
    found.push([up, failures]);
    connector.fails = found.length < 3;
  };
  const checker = new Checker({ connector, onResult, signal: stop.signal });
  checker.update([{ check, known: UP }]);
  await vi.waitFor(() => expect(connector.attempts.get(80)).toBeGreaterThan(6));
  expect(found).toEqual([
    [true, 1],
    [false, 2],
    [false, 3],
    [true, 0],
  ]);
});

test('the last attempt is kept: how long it took, and what it heard', async () => {
  const port = await listen();
  const check = checkOf({ via: 'direct', address: LOOPBACK, port });
  const { checker } = run([check]);
  await vi.waitFor(() => expect(checker.last(check.key)?.answer).toBe('connected'));
  expect(checker.last(check.key)?.tookMs).toBeGreaterThan(0);
  await close(servers[0]);
  await vi.waitFor(() => expect(checker.last(check.key)?.answer).toMatch(/refused/));
  expect(checker.last('another')).toBeUndefined();
});

test('what a probe says that it has heard is the answer, without control characters', async () => {
  const loud = {
    ...checkOf({ via: 'direct', address: LOOPBACK, port: 1 }),
    probe: {
      silencePasses: false,
      run: async ({ heard }: ProbeContext) => {
        heard?.('HTTP\u001b status 200');
        return undefined;
      },
    },
  };
  const { checker } = run([loud]);
  await vi.waitFor(() => expect(checker.last(loud.key)?.answer).toMatch(/^HTTP.* status 200$/));
  expect(checker.last(loud.key)?.answer).not.toContain('\u001b');
});

test('a warmup of nothing begins all checks at once', async () => {
  const connector = new CountingConnector();
  const checks = Array.from({ length: 20 }, (_, port) =>
    checkOf({ via: 'direct', address: LOOPBACK, port }, { intervalMs: 100_000, warmupMs: 0 }),
  );
  run(checks, connector);
  await vi.waitFor(() => expect(connector.attempts.size).toBe(20));
});

test('ten thousand checks are all tried within their interval, and not all at once', async () => {
  const connector = new CountingConnector();
  const checks = Array.from({ length: 10_000 }, (_, port) =>
    checkOf({ via: 'direct', address: LOOPBACK, port }, { intervalMs: 1000 }),
  );
  run(checks, connector);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(connector.attempts.size).toBeGreaterThan(0);
  expect(connector.attempts.size).toBeLessThan(10_000);
  await vi.waitFor(() => expect(connector.attempts.size).toBe(10_000));
  expect(connector.attempts.get(0)).toBeLessThanOrEqual(11);
});
