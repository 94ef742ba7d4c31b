/** `make soak`: mixed load for half an hour while reals fail, drain and return at random. */
import { parseArgs } from 'node:util';
import { topologyObstacle } from '../../src/lab/namespaces/topology.ts';
import { soak } from './soak.ts';

const USAGE = 'usage: make soak ARGS="[--minutes N] [--seed N]"\n';
const DEFAULT_MINUTES = 30;

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
const minutes = numberOf(values.minutes, DEFAULT_MINUTES);
const seed = numberOf(values.seed, Date.now() % 2 ** 31);
const obstacle = topologyObstacle();
if (obstacle !== undefined) {
  process.stderr.write(`soak: the lab cannot be built here: ${obstacle}\n`);
  process.exit(1);
}
process.stdout.write(`soak: ${minutes} minutes, seed ${seed}\n`);
const startedAt = Date.now();
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());
const outcome = await soak({ forMs: minutes * 60_000, seed, say, signal: stop.signal });
const { upheavals, requests, explained, residentBytes, faults } = outcome;
const megabytes = Object.values(residentBytes).map((bytes) => Math.round(bytes / 2 ** 20));
process.stdout.write(
  `soak: ${upheavals} upheavals, ${requests} requests, ${explained} of them lost with a real that could not serve; ` +
    `memory of the daemon ${megabytes.join(' MB, later ')} MB; ${faults.length} faults\n`,
);
for (const fault of faults.slice(0, 50)) process.stdout.write(`  ${fault}\n`);
process.exit(faults.length === 0 ? 0 : 1);

function say(line: string): void {
  process.stdout.write(`${((Date.now() - startedAt) / 1000).toFixed(0).padStart(5)} s  ${line}\n`);
}

function numberOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (Number.isFinite(number) && number >= 0) return number;
  process.stderr.write(`soak: found ${text}; a number is wanted\n${USAGE}`);
  return process.exit(2);
}
