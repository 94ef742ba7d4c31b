import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { runs as isInstalled } from './real-keepalived.ts';

/** The real keepalived, run in a network namespace of its own with an IPVS that answers yes, and ended when it has said what it runs. */
const directory = mkdtempSync(join(tmpdir(), 'culvert-keepalived-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const library = join(directory, 'answering-ipvs.so');

export const whatRunningNeeds =
  'needs keepalived 2.2.7 and unshare as root, and clang with the headers of the C library';
export const canRun: boolean = isInstalled && builds() && unshares();

function builds(): boolean {
  const source = new URL('answering-ipvs.c', import.meta.url).pathname;
  return spawnSync('clang', ['-shared', '-fPIC', '-o', library, source, '-ldl']).status === 0;
}

function unshares(): boolean {
  return spawnSync('unshare', ['--net', 'true']).status === 0;
}

/** The last line of its start. */
const STARTED = /^(?:Activating BFD healthchecker|Warning - keepalived has no configuration to run)/;
const TIMESTAMP = /^\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}: /;
/** A start takes milliseconds; without virtual servers there is none, and keepalived waits for nothing. */
const LIMIT_MS = 5000;

export interface Log {
  readonly lines: readonly string[];
  /** False: it ended by itself, or there was nothing to start. */
  readonly started: boolean;
}

/** What keepalived logs until it runs, or ends. */
export async function logOf(path: string): Promise<Log> {
  const files = ['-p', join(directory, 'main.pid'), '-c', join(directory, 'checkers.pid')];
  const options = ['--check', '-n', '-l', '-D', '-d', '-i', 'lb1', '-f', path, ...files];
  const child = spawn('unshare', ['--net', 'keepalived', ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LD_PRELOAD: library },
  });
  const ended = once(child, 'exit');
  const limit = setTimeout(() => child.kill('SIGTERM'), LIMIT_MS);
  const lines: string[] = [];
  for await (const raw of createInterface({ input: child.stderr })) {
    const line = raw.replace(TIMESTAMP, '');
    lines.push(line);
    if (STARTED.test(line)) child.kill('SIGTERM');
  }
  await ended;
  clearTimeout(limit);
  return { lines, started: lines.some((line) => STARTED.test(line)) };
}
