// Runs a command with a time limit, a user and a clean environment.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { printableText } from '../../printable-text.ts';
import { checked } from '../errno.ts';
import { libc } from '../libc.ts';
import { withoutAmbientCapabilities } from './ambient-capabilities.ts';
import type { RunConfig } from './command-config.ts';
import { loginVariables, lookUpUser } from './user.ts';

export interface CommandOptions {
  readonly run: RunConfig;
  /** The environment, in addition to `PATH` and the user's variables. Nothing of the director's environment is passed on. */
  readonly environment: Readonly<Record<string, string>>;
  /** The user, as in `CommandConfig`; undefined: the director's own. */
  readonly user?: string | undefined;
  /** Kills the whole process group when it aborts. */
  readonly signal: AbortSignal;
}

export interface CommandEnd {
  /** Null where a signal has ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last 4096 characters of what it wrote to standard output and standard error, as `printableText()` has it. */
  readonly output: string;
}

const SPAWN_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such program',
  EACCES: 'it may not be executed: see its mode, and that of the directories above it',
};
/** The directories where commands look for programs, as in a login shell of root in Debian. */
/** The directories in which programs without a slash in their name are looked for. */
export const COMMAND_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const KEPT_OUTPUT = 4096;
/**
 * The bytes read at once. A command that writes without end is read at this pace, so that it does not take the director's time.
 */
const READ_AT_ONCE = 65_536;
const READ_EVERY_MS = 10;
/** A process that it left behind may hold its output open: its end is not waited for. */
const OUTPUT_MS = 100;

/**
 * Runs a command in a process group of its own, without a shell unless it is a line for one.
 * @throws Error where there is no such program or user, or no permission
 */
export async function runCommand({ run, environment, user, signal }: CommandOptions): Promise<CommandEnd> {
  signal.throwIfAborted();
  const [program = '', ...parameters] = 'shell' in run ? ['/bin/sh', '-c', run.shell] : run.command;
  const ids = user === undefined ? undefined : lookUpUser(user);
  closeWithExec();
  // libuv gives up all other groups where a user is given, and sets signals back.
  const env = { PATH: COMMAND_PATH, ...loginVariables(ids?.uid ?? process.geteuid?.() ?? 0), ...environment };
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
  const child = withoutAmbientCapabilities(() =>
    spawn(program, parameters, { detached: true, stdio, env, ...ids }),
  );
  const kill = (): void => killGroup(child);
  signal.addEventListener('abort', kill, { once: true });
  try {
    return await untilEnded(child);
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

const FIRST_BEYOND_STDIO = 3;
const LAST = 2 ** 32 - 1;
/** include/uapi/linux/close_range.h */
const CLOSE_RANGE_CLOEXEC = 4;

/** Node's descriptors and culvert's close with exec anyway; what whoever started the director had open does not. */
function closeWithExec(): void {
  checked('close_range', libc.close_range(FIRST_BEYOND_STDIO, LAST, CLOSE_RANGE_CLOEXEC));
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
    let sincePause = 0;
    pipe?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT_OUTPUT);
      sincePause += text.length;
      if (sincePause < READ_AT_ONCE) return;
      sincePause = 0;
      pipe.pause();
      setTimeout(() => pipe.resume(), READ_EVERY_MS).unref();
    });
  }
  child.once('error', (error: NodeJS.ErrnoException) => {
    const words = SPAWN_WORDS[error.code ?? ''] ?? error.message;
    reject(new Error(`${child.spawnfile}: ${words}`, { cause: error }));
  });
  const end = (status: number | null, signal: NodeJS.Signals | null): void => {
    child.stdout?.destroy();
    child.stderr?.destroy();
    resolve({ status, signal, output: printableText(output) });
  };
  child.once('exit', (status, signal) => void setTimeout(end, OUTPUT_MS, status, signal).unref());
  child.once('close', end);
  return promise;
}
