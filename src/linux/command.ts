import { type ChildProcess, spawn } from 'node:child_process';
import type { RunConfig } from '../config/command-config.ts';
import { lookUpUser } from './user.ts';

export interface CommandOptions {
  readonly run: RunConfig;
  /** Beside the director's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** As `CommandConfig` has it; undefined: the director's own. */
  readonly user?: string | undefined;
  /** Kills the whole process group when it aborts. */
  readonly signal: AbortSignal;
}

export interface CommandEnd {
  /** Null where a signal has ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last 4096 characters of what it wrote to standard output and standard error. */
  readonly output: string;
}

const SPAWN_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such program',
  EACCES: 'it may not be executed: see its mode, and that of the directories above it',
};
const KEPT_OUTPUT = 4096;
/** A process that it left behind may hold its output open: its end is not waited for. */
const OUTPUT_MS = 100;

/**
 * Runs a command in a process group of its own, without a shell unless it is a line for one.
 * @throws Error where there is no such program or user, or no permission
 */
export async function runCommand({ run, environment, user, signal }: CommandOptions): Promise<CommandEnd> {
  signal.throwIfAborted();
  const [program = '', ...parameters] = 'shell' in run ? ['/bin/sh', '-c', run.shell] : run.command;
  // libuv gives up all other groups where a user is given.
  const child = spawn(program, parameters, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
    ...(user === undefined ? {} : lookUpUser(user)),
  });
  const kill = (): void => killGroup(child);
  signal.addEventListener('abort', kill, { once: true });
  try {
    return await untilEnded(child);
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // It has ended a moment ago; or it has become another user's, and this process is not root's.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

async function untilEnded(child: ChildProcess): Promise<CommandEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<CommandEnd>();
  let output = '';
  for (const pipe of [child.stdout, child.stderr]) {
    pipe?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT_OUTPUT);
    });
  }
  child.once('error', (error: NodeJS.ErrnoException) => {
    const words = SPAWN_WORDS[error.code ?? ''] ?? error.message;
    reject(new Error(`${child.spawnfile}: ${words}`, { cause: error }));
  });
  const end = (status: number | null, signal: NodeJS.Signals | null): void => {
    child.stdout?.destroy();
    child.stderr?.destroy();
    resolve({ status, signal, output });
  };
  child.once('exit', (status, signal) => void setTimeout(end, OUTPUT_MS, status, signal).unref());
  child.once('close', end);
  return promise;
}
