import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../src/api/client/client.ts';
import { Program } from '../src/lab/namespaces/lab-program.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  runInNamespace,
} from '../src/linux/namespaces/netns.ts';
import { type Sample, summarize } from './statistics.ts';

/**
 * 10,000 checks of a director in one namespace, every 6 s, of 100 real servers in another one, which all are one host:
 *
 *     near: culvert run 10.0.0.2 ──── 10.0.0.1 far: 10.1.0.1 to .100, the VIPs on lo, ports 8000 to 8099
 */
export interface ChecksResult {
  readonly checks: number;
  readonly intervalSeconds: number;
  /** By type and way: `tcp direct`, ... */
  readonly of: Readonly<Record<string, ChecksFigures>>;
}

export interface ChecksFigures {
  /** The processor's time for one attempt; 10,000 checks at 6 s make 1,667 of them a second. */
  readonly microsecondsPerAttempt: Sample;
  /**
   * Of one core, user and system. Over a cable of veth the sender does the other end's work, so that what the servers'
   * host does with the packets is in it.
   */
  readonly corePercent: Sample;
  readonly residentMegabytes: number;
  readonly attemptsPerSecond: Sample;
  /** Most attempts that the servers took in any 100 ms; an even spread has 167, and a busy machine more by itself. */
  readonly mostIn100Milliseconds: Sample;
  readonly down: number;
}

const VIPS = 10;
const PORTS = 100;
const REALS = 100;
const INTERVAL_SECONDS = 6;
const CULVERT = fileURLToPath(new URL('../culvert', import.meta.url));
const SERVER = fileURLToPath(new URL('checks-server.ts', import.meta.url));

const vips = Array.from({ length: VIPS }, (_, index) => `192.0.2.${index + 1}`);
const ports = Array.from({ length: PORTS }, (_, index) => `${8000 + index}`);
const reals = Array.from({ length: REALS }, (_, index) => `10.1.0.${index + 1}`);

const KINDS: readonly Kind[] = [
  { type: 'tcp', via: 'direct' },
  { type: 'tcp', via: 'tunnel' },
  { type: 'http', via: 'direct' },
  { type: 'http', via: 'tunnel' },
];

export async function benchChecks(rounds: number, kinds: readonly Kind[] = KINDS): Promise<ChecksResult> {
  await using cleanUp = new AsyncDisposableStack();
  const hosts = await makeHosts(cleanUp);
  const of: Record<string, ChecksFigures> = {};
  for (const kind of kinds) of[`${kind.type} ${kind.via}`] = await measure(hosts, kind, rounds);
  return { checks: PORTS * REALS, intervalSeconds: INTERVAL_SECONDS, of };
}

interface Hosts {
  readonly near: string;
  readonly far: string;
}

interface Kind {
  readonly type: 'tcp' | 'http';
  readonly via: 'direct' | 'tunnel';
}

async function makeHosts(cleanUp: AsyncDisposableStack): Promise<Hosts> {
  const [near, far] = [`culvert-checks-${process.pid}`, `culvert-checks-${process.pid}-far`];
  for (const name of [near, far]) {
    createNamespace(name);
    cleanUp.defer(() => deleteNamespace(name));
  }
  connectNamespaces({ namespace: near, name: 'eth0' }, { namespace: far, name: 'eth0' });
  await runInNamespace(near, ['ip', 'address', 'add', '10.0.0.2/8', 'dev', 'eth0']);
  await runInNamespace(far, ['ip', 'address', 'add', '10.0.0.1/8', 'dev', 'eth0']);
  for (const real of reals) await runInNamespace(far, ['ip', 'address', 'add', `${real}/8`, 'dev', 'eth0']);
  const instance = `checks-${process.pid}-far`;
  const options = ['--interface', 'eth0', '--director', '10.0.0.2', '--instance', instance];
  const wanted = vips.flatMap((vip) => ['--vip', vip]);
  await runInNamespace(far, [
    CULVERT,
    'realserver',
    'setup',
    '--decapsulation',
    'xdp',
    ...options,
    ...wanted,
  ]);
  cleanUp.defer(
    async () => void (await runInNamespace(far, [CULVERT, 'realserver', 'teardown', '--instance', instance])),
  );
  return { near, far };
}

async function measure({ near, far }: Hosts, kind: Kind, rounds: number): Promise<ChecksFigures> {
  await using cleanUp = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'culvert-checks-'));
  cleanUp.defer(() => rm(directory, { recursive: true, force: true }));
  const server = cleanUp.use(new Program(far, [process.execPath, SERVER, kind.type, ...ports], 'pipe'));
  await server.waitFor(/ready/);
  const instance = `checks-${process.pid}`;
  const configPath = join(directory, 'culvert.yaml');
  await writeFile(configPath, configOf(kind, { instance, directory }));
  const director = cleanUp.use(new Program(near, [CULVERT, 'run', '-c', configPath]));
  await director.waitFor(/ready/);
  const api = new ApiClient(join(directory, `${instance}.sock`));
  cleanUp.defer(() => api.down());

  // A first interval passes before anything is counted: all code is compiled, all next hops are known.
  await sleep(2 * INTERVAL_SECONDS * 1000);
  const figures: Round[] = [];
  await takeCounts(server);
  for (let round = 0; round < rounds; round++) figures.push(await oneRound(director.pid, server));
  const down = (await api.reals()).filter(({ health }) => health.state === 'down').length;
  return {
    microsecondsPerAttempt: summarize(figures.map(({ microseconds }) => microseconds)),
    corePercent: summarize(figures.map(({ corePercent }) => corePercent)),
    residentMegabytes:
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(await procFile(director.pid, 'status'))?.[1]) / 1000,
    attemptsPerSecond: summarize(figures.map(({ perSecond }) => perSecond)),
    mostIn100Milliseconds: summarize(figures.map(({ most }) => most)),
    down,
  };
}

function configOf({ type, via }: Kind, where: { instance: string; directory: string }): string {
  const { instance, directory } = where;
  const list = reals.map((real) => `{address: ${real}}`).join(', ');
  // A port of its own for each service: what is direct would be the same check otherwise, and run once.
  const services = ports.map(
    (port, index) => `  - {vip: ${vips[index % VIPS]}, port: ${port}, reals: [${list}]}`,
  );
  const check = `{type: ${type}, via: ${via}, interval: ${INTERVAL_SECONDS}s, timeout: 3s}`;
  return `director: {interface: eth0, instance: ${instance}, runDirectory: ${directory}, stateDirectory: ${directory}}
defaults: {scheduler: rr, check: ${check}}
services:
${services.join('\n')}
`;
}

interface Round {
  readonly microseconds: number;
  readonly corePercent: number;
  readonly perSecond: number;
  readonly most: number;
}

async function oneRound(pid: number, server: Program): Promise<Round> {
  const [startedMs, before] = [performance.now(), await cpuSeconds(pid)];
  await sleep(INTERVAL_SECONDS * 1000);
  const [seconds, after] = [(performance.now() - startedMs) / 1000, await cpuSeconds(pid)];
  const perSlot = await takeCounts(server);
  const total = perSlot.reduce((sum, count) => sum + count, 0);
  return {
    microseconds: ((after - before) * 1e6) / total,
    corePercent: (100 * (after - before)) / seconds,
    perSecond: total / seconds,
    most: mostInARow(perSlot, 10),
  };
}

/** The largest sum of so many neighbours. */
function mostInARow(counts: readonly number[], neighbours: number): number {
  return Math.max(...counts.map((_, index) => sumOf(counts.slice(index, index + neighbours))));
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** By 10 ms, since they were taken last. */
async function takeCounts(server: Program): Promise<readonly number[]> {
  const line = server.waitFor(/perSlot/);
  server.say('\n');
  return (JSON.parse(await line) as { perSlot: number[] }).perSlot;
}

const TICKS_PER_SECOND = 100;

async function cpuSeconds(pid: number): Promise<number> {
  const [user, system] = (await procFile(pid, 'stat')).split(') ').at(-1)?.split(' ').slice(11, 13) ?? [];
  return (Number(user) + Number(system)) / TICKS_PER_SECOND;
}

function procFile(pid: number, name: string): Promise<string> {
  return readFile(`/proc/${pid}/${name}`, 'utf8');
}
