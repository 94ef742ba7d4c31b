import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { mergeChecks } from '../../../../src/config/defaults/fill-in-check.ts';
import type { ServiceConfig } from '../../../../src/contract/config/service-contract.ts';
import { checkOf } from '../../../../src/health/check-identity.ts';
import { Checker } from '../../../../src/health/checker.ts';
import { ip } from '../../../../src/net/address/ip-address.ts';
import { TcpOnlyConnector } from '../tcp-only-connector.ts';
import { attempt, openAttempts } from './bench.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'culvert-probe-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('misc', () => {
  test.each([
    [['true'], false, 'passes'],
    [['false'], false, 'exit status 1'],
    [['sh', '-c', 'echo first; echo the disk is full >&2; exit 3'], false, 'exit status 3: the disk is full'],
    [['sh', '-c', 'kill -TERM $$'], false, 'killed by SIGTERM'],
    [['/no/such/program'], false, '/no/such/program: no such program'],
    [
      ['/etc/passwd'],
      false,
      '/etc/passwd: it may not be executed: see its mode, and that of the directories above it',
    ],
    [['true'], true, 'passes'],
    [['false'], true, 'exit status 1'],
    [['sh', '-c', 'exit 2'], true, { set: 0 }],
    [['sh', '-c', 'exit 12'], true, { set: 10 }],
    [['sh', '-c', 'exit 255'], true, { set: 253 }],
    [['sh', '-c', 'kill -TERM $$'], true, 'killed by SIGTERM'],
  ])('%j, dynamic %j: %j', async (command, dynamic, outcome) => {
    expect(await attempt({ type: 'misc', command, dynamic })).toEqual(outcome);
  });

  test('a shell only where one is asked for', async () => {
    expect(await attempt({ type: 'misc', command: ['test', '$((1 + 1))', '=', '2'] })).toBe('exit status 1');
    expect(await attempt({ type: 'misc', shell: 'test $((1 + 1)) = 2' })).toBe('passes');
  });

  test.skipIf(process.getuid?.() !== 0)('as the user that is named (needs root)', async () => {
    const shell = 'test "$(id -u) $(id -g)" = "65534 65534"';
    expect(await attempt({ type: 'misc', shell })).toBe('exit status 1');
    expect(await attempt({ type: 'misc', shell, user: 'nobody' })).toBe('passes');
    expect(await attempt({ type: 'misc', shell, user: 'nobody:0' })).toBe('exit status 1');
    expect(await attempt({ type: 'misc', shell, user: 'nobody-here' })).toMatch(/no user 'nobody-here'/);
  });

  test('it is told what it checks', async () => {
    const shell = 'test "$CULVERT_REAL:$CULVERT_PORT" = 127.0.0.5:81';
    expect(await attempt({ type: 'misc', shell }, { address: '127.0.0.5', port: 81 })).toBe('passes');
  });

  test('at the end of its time the whole process group is killed', async () => {
    const pids = join(directory, 'pids');
    const inner = `trap "" TERM HUP; sleep 60 & echo $! >> ${pids}; echo $$ >> ${pids}; wait`;
    const shell = `sh -c '${inner}' & echo $$ >> ${pids}; wait`;
    await attempt({ type: 'misc', shell }, { timeoutMs: 500 });
    const started = readFileSync(pids, 'utf8').trim().split('\n').map(Number);
    expect(started).toHaveLength(3);
    await vi.waitFor(() => {
      for (const pid of started) expect(isRunning(pid)).toBe(false);
    });
  });

  test('a process that it leaves behind does not hold it up, and goes on beyond its time', async () => {
    const pids = join(directory, 'pids');
    const shell = `sleep 30 & echo $! > ${pids}`;
    expect(await attempt({ type: 'misc', shell }, { timeoutMs: 2000 })).toBe('passes');
    await setTimeout(2000);
    const pid = Number(readFileSync(pids, 'utf8'));
    expect(isRunning(pid)).toBe(true);
    process.kill(pid);
  });
});

/** What nobody has waited for yet has ended all the same. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('file', () => {
  test.each([
    ['0\n', {}, 'passes'],
    ['3', {}, 'FILE contains 3'],
    ['0', { reverse: true }, 'FILE contains 0'],
    ['3', { reverse: true }, 'passes'],
    ['', {}, 'passes'],
    ['words', {}, 'passes'],
    ['7 and more', { weight: 2 }, { add: 14 }],
    ['-20', { weight: 2 }, { add: -40 }],
    ['20', { weight: 2, reverse: true }, { add: -40 }],
    ['0x10', { weight: 1 }, { add: 16 }],
    ['010', { weight: 1 }, { add: 8 }],
    ['0', { weight: 5 }, { add: 0 }],
    // keepalived's limit for real servers is the least number of 32 bits, not the -254 of vrrp.
    ['-127', { weight: 2 }, { add: -254 }],
    ['-2147483647', { weight: 1 }, { add: -2_147_483_647 }],
    ['-2147483648', { weight: 1 }, 'FILE contains -2147483648, which adds -2147483648 to the weight'],
    ['2147483648', { weight: 3 }, { add: 2_147_483_647 }],
    ['99999999999', { weight: 1 }, { add: 0 }],
  ])('%j with %j: %j', async (text, options, outcome) => {
    const file = join(directory, 'number');
    writeFileSync(file, text);
    const came = await attempt({ type: 'file', file, ...options });
    expect(typeof came === 'string' ? came.replace(file, 'FILE') : came).toEqual(outcome);
  });

  test('no file counts as 0, one that cannot be read fails', async () => {
    expect(await attempt({ type: 'file', file: join(directory, 'none') })).toBe('passes');
    expect(await attempt({ type: 'file', file: directory })).toMatch(/^cannot read it: EISDIR/);
  });

  test('a number out of range is passed over: the one before holds', async () => {
    const file = join(directory, 'number');
    writeFileSync(file, '5');
    const attempts = openAttempts({ type: 'file', file, weight: 1 });
    expect(await attempts()).toEqual({ add: 5 });
    writeFileSync(file, '99999999999');
    expect(await attempts()).toEqual({ add: 5 });
  });

  test('it is read as soon as it changes, comes or goes', async () => {
    const file = join(directory, 'number');
    const [config] = mergeChecks([
      { check: { type: 'file', file, interval: 3_600_000, warmup: 0, retries: 0 } },
    ]);
    if (config === undefined) throw new Error('no check');
    const service = { vip: ip('192.0.2.1'), port: 80 } as ServiceConfig;
    const check = checkOf(service, ip('10.0.0.1'), config);
    const stop = new AbortController();
    const connector = new TcpOnlyConnector(() => Promise.resolve());
    const checker = new Checker({ connector, onResult: () => undefined, signal: stop.signal });
    checker.update([{ check, known: { up: true, sinceMs: 0, lastError: undefined } }]);
    const becomes = (up: boolean): Promise<void> =>
      vi.waitFor(() => expect(checker.state(check.key)?.up).toBe(up), 10_000);
    writeFileSync(file, '1');
    await becomes(false);
    writeFileSync(file, '0');
    await becomes(true);
    writeFileSync(`${file}.new`, '2');
    renameSync(`${file}.new`, file);
    await becomes(false);
    rmSync(file);
    await becomes(true);
    stop.abort();
  });

  test('a pipe that nobody writes to is not waited for', async () => {
    const file = join(directory, 'pipe');
    execFileSync('mkfifo', [file]);
    expect(await attempt({ type: 'file', file })).toBe('cannot read it: it is a pipe; allowed: a file');
  });
});
