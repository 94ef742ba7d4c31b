import { setTimeout as sleep } from 'node:timers/promises';
import type { WireStats } from '../../src/contract/api/director-status.ts';
import type { RequestResult } from '../../src/lab/environment.ts';
import { LAB_PORT } from '../../src/lab/lab-config.ts';
import type { HeldConnections, HeldSummary } from '../../src/lab/namespaces/held-connections.ts';
import { NamespaceLab } from '../../src/lab/namespaces/namespace-lab.ts';
import { ip } from '../../src/net/address/ip-address.ts';
import { Random } from '../fuzz/random.ts';
import { bookFaults, flowFaults, QUIET_MS, readBooks, sumFaults } from './books.ts';
import { Fitness, type Interval } from './fitness.ts';
import { MemoryLog } from './memory.ts';
import { SERVICES } from './services.ts';
import { randomUpheaval, type Stage } from './upheavals.ts';

export interface SoakOptions {
  readonly forMs: number;
  readonly seed: number;
  readonly say: (line: string) => void;
  /** Ends the load before its time; the books are checked all the same. */
  readonly signal?: AbortSignal;
}

export interface SoakOutcome {
  readonly upheavals: number;
  readonly requests: number;
  /** Connections that broke or requests that failed because their real could not serve just then. */
  readonly explained: number;
  readonly residentBytes: { readonly earlyBytes: number; readonly lateBytes: number };
  /** Everything that should not have been. */
  readonly faults: readonly string[];
}

/** Kept-alive connections to each service, and as many requests at once on connections of their own. */
const HELD = 20;
/** What the client gives a request on a connection that it holds. */
const HELD_MS = 3000;
/** A check takes about 2 s to take a real out, and a busy machine is late. */
const GRACE_MS = 8000;
const EPILOGUE_MS = 5000;
const WATCH_INTERVAL_MS = 200;
/** A server that has the processor answers within milliseconds. */
const STALL_MS = 1000;
const MEMORY_INTERVAL_MS = 1000;

/** Mixed load while one thing after another happens to the lab; see `upheavals.ts`. */
export async function soak({ forMs, seed, say, signal }: SoakOptions): Promise<SoakOutcome> {
  const morePorts = SERVICES.map(({ port }) => port);
  await using lab = await NamespaceLab.open(`soak${process.pid}`, { morePorts });
  await lab.writeConfig({ more: SERVICES });
  await lab.api.reload();
  const stage: Stage = { lab, fitness: new Fitness(), random: new Random(seed) };
  const ports = [LAB_PORT, ...morePorts];
  const load = await startLoad(stage, ports);
  const memory = new MemoryLog();
  const faults: string[] = [];
  const endAt = Date.now() + forMs;
  let stats: WireStats | undefined;
  let upheavals = 0;
  using sampling = sampler(memory, lab, endAt - (forMs * 2) / 3);
  const isOver = (): boolean => Date.now() >= endAt || signal?.aborted === true;
  while (!isOver()) {
    const restarts = Date.now() < endAt - (forMs * 2) / 3;
    const upheaval = randomUpheaval(stage, restarts);
    say(upheaval.name);
    await upheaval.begin();
    await sleep(stage.random.between(2000, 8000));
    await upheaval.end();
    await sleep(stage.random.between(1000, 4000));
    upheavals += 1;
    const now = await lab.api.stats();
    faults.push(...sumFaults(now, upheaval.resetsCounters ? undefined : stats));
    stats = now;
  }
  sampling.stop();
  say('nothing more happens; the load ends and the books are checked');
  await sleep(GRACE_MS);
  const { requests, explained } = await load.finish(faults);
  faults.push(...(await flowFaults(lab)), ...(await audit(stage, ports)));
  const { flat, ...residentBytes } = memory.verdict();
  if (!flat)
    faults.push(
      `the daemon's memory grew from ${residentBytes.earlyBytes} to ${residentBytes.lateBytes} bytes`,
    );
  return { upheavals, requests, explained, residentBytes, faults };
}

/** Some seconds of load that begin and end in silence, so that every packet is in the books of both sides. */
async function audit(stage: Stage, ports: readonly number[]): Promise<string[]> {
  const faults: string[] = [];
  const before = await readBooks(stage.lab);
  const load = await startLoad(stage, ports);
  await sleep(EPILOGUE_MS);
  await load.finish(faults);
  await sleep(QUIET_MS);
  return [...faults, ...bookFaults(before, await readBooks(stage.lab))];
}

/** Asks each real itself, past the director: one that is slow then is starved by the machine, and no fault of the director's. */
function watchServers({ lab, fitness }: Stage, signal: AbortSignal): void {
  for (const { name, address } of lab.reals) {
    const note = ({ startedAt }: RequestResult): void => {
      const now = Date.now();
      if (now - startedAt > STALL_MS) fitness.note(name, { from: startedAt, to: now });
    };
    lab.request(note, signal, { address: ip(address), intervalMs: WATCH_INTERVAL_MS });
  }
}

interface Load {
  finish(faults: string[]): Promise<{ readonly requests: number; readonly explained: number }>;
}

async function startLoad(stage: Stage, ports: readonly number[]): Promise<Load> {
  const { lab, fitness } = stage;
  const held = await Promise.all(ports.map((port) => lab.holdConnections(HELD, port)));
  const abort = new AbortController();
  watchServers(stage, abort.signal);
  let requests = 0;
  let explained = 0;
  const unexplained: string[] = [];
  const judge = (real: string | undefined, time: Interval, what: string): void => {
    if (fitness.explains(real, time, GRACE_MS)) explained += 1;
    else unexplained.push(`${real ?? 'a new connection'} at ${new Date(time.to).toISOString()}: ${what}`);
  };
  for (const port of ports) {
    lab.request(
      ({ startedAt, error }) => {
        requests += 1;
        if (error !== undefined) judge(undefined, { from: startedAt, to: Date.now() }, error);
      },
      abort.signal,
      { port },
    );
  }
  return {
    finish: async (faults) => {
      abort.abort();
      for (const summary of await finishAll(held)) {
        requests += summary.requests;
        for (const { real, at, what } of summary.complaints)
          judge(real, { from: at - HELD_MS, to: at }, what);
      }
      faults.push(...unexplained);
      return { requests, explained };
    },
  };
}

function finishAll(held: readonly HeldConnections[]): Promise<HeldSummary[]> {
  return Promise.all(held.map((connections) => connections.finish()));
}

/** Samples once the daemon is not restarted any more. */
function sampler(memory: MemoryLog, lab: NamespaceLab, fromMs: number): Disposable & { stop(): void } {
  const timer = setInterval(() => {
    if (Date.now() > fromMs) memory.sample(lab.directorPid);
  }, MEMORY_INTERVAL_MS);
  const stop = (): void => clearInterval(timer);
  return { stop, [Symbol.dispose]: stop };
}
