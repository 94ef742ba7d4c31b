import { type ChildProcess, spawn } from 'node:child_process';
import type { MiscProbeConfig } from '../../config/probe-config.ts';
import type { CheckTarget } from '../../dataplane/check-connector.ts';
import { formatIp } from '../../net/ip-address.ts';
import type { ProbeContext } from '../probe.ts';
import type { WeightEffect } from '../weight-effect.ts';

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last line that was written. */
  readonly said: string;
}

const KEPT_OUTPUT = 4096;
/** A process that it left behind may hold its output open: its end is not waited for. */
const OUTPUT_MS = 100;

/** Runs a command in a process group of its own, all of which is killed when the time is up. */
export async function probeMisc(
  { run, dynamic }: MiscProbeConfig,
  { target, signal }: ProbeContext,
): Promise<WeightEffect | undefined> {
  signal.throwIfAborted();
  const [program = '', ...parameters] = 'shell' in run ? ['/bin/sh', '-c', run.shell] : run.command;
  const child = spawn(program, parameters, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environmentOf(target) },
  });
  const kill = (): void => killGroup(child);
  signal.addEventListener('abort', kill, { once: true });
  try {
    return judge(await untilEnded(child), dynamic);
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

function judge({ status, signal, said }: Ended, dynamic: boolean): WeightEffect | undefined {
  if (status === 0) return undefined;
  if (dynamic && status !== null && status >= 2) return { set: status - 2 };
  const how = status === null ? `killed by ${signal}` : `exit status ${status}`;
  throw new Error(said === '' ? how : `${how}: ${said}`);
}

function environmentOf(target: CheckTarget): Record<string, string> {
  const real = target.via === 'tunnel' ? target.real : target.address;
  return {
    CULVERT_REAL: formatIp(real),
    CULVERT_PORT: `${target.port}`,
    ...(target.via === 'tunnel' && { CULVERT_VIP: formatIp(target.vip) }),
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // It has ended a moment ago.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function untilEnded(child: ChildProcess): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  let output = '';
  for (const pipe of [child.stdout, child.stderr]) {
    pipe?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
    });
  }
  child.once('error', (error: NodeJS.ErrnoException) => {
    const [what, words] = [child.spawnfile, error.code === 'ENOENT' ? 'no such program' : error.message];
    reject(new Error(`${what}: ${words}`, { cause: error }));
  });
  const end = (status: number | null, signal: NodeJS.Signals | null): void => {
    child.stdout?.destroy();
    child.stderr?.destroy();
    resolve({ status, signal, said: output.trimEnd().split('\n').at(-1)?.slice(-200) ?? '' });
  };
  child.once('exit', (status, signal) => void setTimeout(end, OUTPUT_MS, status, signal).unref());
  child.once('close', end);
  return promise;
}
