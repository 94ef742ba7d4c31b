/** How long hostile real servers hold up the loop of the process that checks them. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { mergeChecks } from '../src/config/defaults/fill-in-check.ts';
import type { WrittenCheckOptions } from '../src/contract/checks/check-contract.ts';
import type { CheckConnector } from '../src/dataplane/check-connector.ts';
import { connectDirect } from '../src/dataplane/connect-direct.ts';
import { openProbe } from '../src/health/open-probe.ts';
import { ip } from '../src/net/address/ip-address.ts';
import { HOSTILE, type HostileKind } from '../test/unit/health/probes/hostile-server.ts';

export interface HostileFigures {
  /** How the attempt ended. */
  readonly outcome: string;
  readonly milliseconds: number;
  /** The longest time that the loop was held up in that attempt. */
  readonly longestDelayMs: number;
  readonly processorMs: number;
}

const SERVER = fileURLToPath(new URL('../test/unit/health/probes/hostile-server.ts', import.meta.url));
const TIMEOUT_MS = 3000;
const DIGEST: WrittenCheckOptions = { type: 'http', urls: [{ digest: '0'.repeat(32) }] };

/** One attempt against each kind, and `idle`, what the loop is late by when nothing goes on. */
export async function benchHostile(): Promise<Readonly<Record<string, HostileFigures>>> {
  const results: Record<string, HostileFigures> = { idle: await measured(() => sleep(1000, 'slept')) };
  for (const kind of Object.keys(HOSTILE) as HostileKind[]) {
    const child = fork(SERVER, [kind]);
    const [port] = (await once(child, 'message')) as [number];
    const check: WrittenCheckOptions =
      kind.startsWith('a reply') || kind === 'reply lines' ? { type: 'smtp' } : DIGEST;
    results[kind] = await measured(() => attempt(check, port));
    child.kill('SIGKILL');
  }
  return results;
}

async function measured(work: () => Promise<string>): Promise<HostileFigures> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  const before = process.cpuUsage();
  const startedMs = performance.now();
  delays.enable();
  const outcome = await work();
  await sleep(20);
  delays.disable();
  const { user, system } = process.cpuUsage(before);
  return {
    outcome,
    milliseconds: performance.now() - startedMs,
    longestDelayMs: delays.max / 1e6,
    processorMs: (user + system) / 1000,
  };
}

function unused(): never {
  throw new Error('only TCP is measured');
}

async function attempt(written: WrittenCheckOptions, port: number): Promise<string> {
  const [config] = mergeChecks([{ check: written }]);
  if (config === undefined || config.probe.type === 'bfd') throw new Error('no check with attempts');
  const target = { via: 'direct', address: ip('127.0.0.1'), port } as const;
  const connector: CheckConnector = {
    connectTcp: (_target, signal) => connectDirect(target, signal),
    exchangeUdp: unused,
    ping: unused,
  };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    await openProbe(config.probe).run({ target, connector, signal, up: true });
    return 'passes';
  } catch (error) {
    return (error as Error).message;
  }
}
