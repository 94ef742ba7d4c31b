import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  runInNamespace,
} from '../src/linux/namespaces/netns.ts';
import { type Sample, summarize } from './statistics.ts';

export interface BfdResult {
  readonly sessions: number;
  readonly intervalMs: number;
  /** Of one core, in percent, that the sessions take of the director's process. */
  readonly processorPercent: Sample;
  /** Those that did not stay up. */
  readonly fallen: number;
  readonly residentMegabytes: number;
}

const SESSIONS = 1000;
const INTERVAL_MS = 300;
const WORKER = fileURLToPath(new URL('bfd-worker.ts', import.meta.url));

/** Two namespaces with a cable between, and culvert's sessions at both ends: what one of them costs. */
export async function benchBfd(rounds: number): Promise<BfdResult> {
  const [near, far] = [`bfdn${process.pid}`, `bfdf${process.pid}`];
  using cleanUp = new DisposableStack();
  for (const name of [near, far]) {
    createNamespace(name);
    cleanUp.defer(() => deleteNamespace(name));
  }
  connectNamespaces({ namespace: near, name: 'eth0' }, { namespace: far, name: 'eth0' });
  await runInNamespace(near, ['ip', 'address', 'add', '10.64.0.1/16', 'dev', 'eth0']);
  const lines = Array.from({ length: SESSIONS }, (_, index) => `address add ${address(index)}/16 dev eth0`);
  await runInNamespace(far, ['sh', '-c', `printf '%s\\n' "$0" | ip -batch -`, lines.join('\n')]);
  const peer = startWorker(far, ['peer', `${SESSIONS}`, `${INTERVAL_MS}`, '1']);
  cleanUp.defer(() => void peer.kill('SIGKILL'));
  const director = startWorker(near, ['director', `${SESSIONS}`, `${INTERVAL_MS}`, `${rounds}`]);
  cleanUp.defer(() => void director.kill('SIGKILL'));
  if (director.stdout === null) throw new Error('the worker has no output');
  const [line] = (await once(createInterface(director.stdout), 'line')) as [string];
  const { percents, fallen, residentMegabytes } = JSON.parse(line) as {
    percents: number[];
    fallen: number;
    residentMegabytes: number;
  };
  const processorPercent = summarize(percents);
  return { sessions: SESSIONS, intervalMs: INTERVAL_MS, processorPercent, fallen, residentMegabytes };
}

/** Of the session's far end. */
export function address(index: number): string {
  return `10.64.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
}

function startWorker(namespace: string, parameters: readonly string[]): ChildProcess {
  const command = [`--net=/run/netns/${namespace}`, process.execPath, WORKER, ...parameters];
  return spawn('nsenter', command, { stdio: ['ignore', 'pipe', 'inherit'] });
}
