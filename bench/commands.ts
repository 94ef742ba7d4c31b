import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bigConfig } from './big-table.ts';
import { type Sample, summarize } from './statistics.ts';

/** From the start of each command to its end, in ms; they take turns, `node -e 0` among them. */
export type CommandsResult = Readonly<Record<string, Sample>>;

const CULVERT = fileURLToPath(new URL('../culvert', import.meta.url));
const LISTINGS = [['reals'], ['services'], ['stats'], ['ipvsadm', '-Ln']] as const;

/** Of a director with 1,000 services of 10 reals and one with none, both with the simulated plane: no root is needed. */
export async function benchCommands(rounds: number): Promise<CommandsResult> {
  await using cleanUp = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'culvert-bench-'));
  cleanUp.defer(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'full.yaml');
  const full = bigConfig({ instance: 'full', runDirectory: directory });
  await writeFile(file, simulated(full));
  const empty = join(directory, 'empty.yaml');
  const [head] = bigConfig({ instance: 'empty', runDirectory: directory }).split('\n');
  await writeFile(empty, simulated(`${head}\nservices: []\n`));
  for (const path of [file, empty]) cleanUp.use(await startDirector(path));
  const at = (instance: string): string[] => ['--socket', join(directory, `${instance}.sock`)];
  const ipvsadm = (...words: string[]): string[] => [CULVERT, 'ipvsadm', ...at('full'), ...words];
  const commands: Record<string, string[]> = {
    'node -e 0': [process.execPath, '-e', '0'],
    '--version': [CULVERT, '--version'],
    'reals of none': [CULVERT, 'reals', ...at('empty')],
    ...Object.fromEntries(
      LISTINGS.map(([name, ...words]) => [
        [name, ...words].join(' '),
        [CULVERT, name, ...at('full'), ...words],
      ]),
    ),
    'diff of the same file': [CULVERT, 'diff', file, ...at('full')],
    'ipvsadm -A': ipvsadm('-A', '-t', '192.0.9.9:80'),
    'ipvsadm -a': ipvsadm('-a', '-t', '192.0.9.9:80', '-r', '10.9.9.9', '-i'),
    'ipvsadm -D': ipvsadm('-D', '-t', '192.0.9.9:80'),
  };
  const times = new Map(Object.keys(commands).map((name) => [name, [] as number[]]));
  // The first round fills the caches.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, words] of Object.entries(commands)) {
      const took = await timeOf(words);
      if (round > 0) times.get(name)?.push(took);
    }
  }
  return Object.fromEntries([...times].map(([name, values]) => [name, summarize(values)]));
}

function simulated(config: string): string {
  return config.replace('interface: eth0', 'plane: simulated');
}

async function startDirector(path: string): Promise<AsyncDisposable> {
  const child = spawn(CULVERT, ['run', '-c', path], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      log += String(chunk);
      if (log.includes('ready')) resolve();
    });
    child.once('exit', () => reject(new Error(`the director has ended: ${log}`)));
  });
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

async function timeOf([program = '', ...words]: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`${program} ${words.join(' ')} ended with status ${status}`);
  return performance.now() - startedMs;
}
