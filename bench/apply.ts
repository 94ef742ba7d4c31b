import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../src/api/client/client.ts';
import { Program } from '../src/lab/namespaces/lab-program.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  runInNamespace,
} from '../src/linux/namespaces/netns.ts';
import { bigConfig, REALS, SERVICES } from './big-table.ts';
import { type Sample, summarize } from './statistics.ts';

export interface ApplyResult {
  readonly services: number;
  readonly realsPerService: number;
  /** The whole table on a fresh plane. */
  readonly coldMilliseconds: Sample;
  /** One weight among them: at the plane, and by `culvert weight` through the API of a running director. */
  readonly weightMilliseconds: Sample;
  readonly weightThroughApiMilliseconds: Sample;
  /** `culvert reload` of the file in which one weight has changed, from the file to the answer; of it, at the plane and checks. */
  readonly reloadMilliseconds: Sample;
  readonly reloadAppliedMilliseconds: Sample;
  /** The same where the whole file has to be parsed, as after a change of `defaults`. */
  readonly wholeReloadMilliseconds: Sample;
  /** Resident size of `culvert run` with that table. */
  readonly residentMegabytes: number;
}

const WORKER = fileURLToPath(new URL('apply-worker.ts', import.meta.url));
const CULVERT = fileURLToPath(new URL('../culvert', import.meta.url));

export async function benchApply(rounds: number): Promise<ApplyResult> {
  await using cleanUp = new AsyncDisposableStack();
  const namespace = await makeHost(cleanUp);
  const cold: number[] = [];
  const weight: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const result = JSON.parse(await runInNamespace(namespace, [process.execPath, WORKER])) as {
      readonly cold: number;
      readonly weight: readonly number[];
    };
    cold.push(result.cold);
    weight.push(...result.weight);
  }
  return {
    services: SERVICES,
    realsPerService: REALS,
    coldMilliseconds: summarize(cold),
    weightMilliseconds: summarize(weight),
    ...(await measureDirector(namespace)),
  };
}

/** A namespace with eth0, whose other end is in a second one. */
async function makeHost(cleanUp: AsyncDisposableStack): Promise<string> {
  const [near, far] = [`culvert-bench-${process.pid}`, `culvert-bench-${process.pid}-far`];
  for (const name of [near, far]) {
    createNamespace(name);
    cleanUp.defer(() => deleteNamespace(name));
  }
  connectNamespaces({ namespace: near, name: 'eth0' }, { namespace: far, name: 'eth0' });
  await runInNamespace(near, ['ip', 'address', 'add', '10.0.0.2/8', 'dev', 'eth0']);
  await runInNamespace(far, ['ip', 'address', 'add', '10.0.0.1/8', 'dev', 'eth0']);
  return near;
}

async function measureDirector(
  namespace: string,
): Promise<Omit<ApplyResult, 'services' | 'realsPerService' | 'coldMilliseconds' | 'weightMilliseconds'>> {
  await using cleanUp = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'culvert-bench-'));
  cleanUp.defer(() => rm(directory, { recursive: true, force: true }));
  const instance = `bench-${process.pid}`;
  const configPath = join(directory, 'culvert.yaml');
  const directorOptions = { instance, runDirectory: directory };
  await writeFile(configPath, bigConfig(directorOptions));

  const director = cleanUp.use(new Program(namespace, [CULVERT, 'run', '-c', configPath]));
  await director.waitFor(/ready/, 60_000);
  const api = new ApiClient(join(directory, `${instance}.sock`));
  cleanUp.defer(() => api.down());
  const weights = await repeat(20, async (round) => {
    await api.weight({ address: '10.1.0.1', weight: round % 2 === 0 ? 50 : 100 });
  });
  await api.weight({ address: '10.1.0.1', weight: null });
  const applied: number[] = [];
  const reload = async (): Promise<void> => {
    applied.push((await api.reload()).applyMs);
  };
  const reloads = await repeat(20, reload, (round) =>
    writeFile(configPath, bigConfig(directorOptions, round % 2 === 0 ? 50 : 100)),
  );
  const appliedMilliseconds = summarize(applied);
  const whole = await repeat(3, reload, (round) =>
    writeFile(configPath, `# ${round}\n${bigConfig(directorOptions, round % 2 === 0 ? 50 : 100)}`),
  );
  return {
    weightThroughApiMilliseconds: summarize(weights),
    reloadMilliseconds: summarize(reloads),
    reloadAppliedMilliseconds: appliedMilliseconds,
    wholeReloadMilliseconds: summarize(whole),
    residentMegabytes: await residentMegabytes(director.pid),
  };
}

/** Times of the rounds in milliseconds; `prepare` is not in them. */
async function repeat(
  rounds: number,
  work: (round: number) => Promise<void>,
  prepare: (round: number) => Promise<void> = async () => undefined,
): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await prepare(round);
    const startedMs = performance.now();
    await work(round);
    times.push(performance.now() - startedMs);
  }
  return times;
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1000;
}
