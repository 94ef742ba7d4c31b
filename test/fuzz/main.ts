/** `make fuzz`: the fast path against the forwarder, for as long as one likes. */
import { parseArgs } from 'node:util';
import { type DifferentialSummary, runDifferential, SMALL_CAPACITY } from './differential.ts';
import { LoadedDirector, whyNotLoadable } from './loaded-director.ts';

const USAGE = 'usage: make fuzz ARGS="[--seed N] [--seconds N | --packets N]"\n';
const CHUNK_PACKETS = 20_000;
const DEFAULT_SECONDS = 60;

const { values } = parseArgs({
  options: { seed: { type: 'string' }, seconds: { type: 'string' }, packets: { type: 'string' } },
});
const seed = numberOf(values.seed, Date.now() % 2 ** 31);
const packets = values.packets === undefined ? Number.POSITIVE_INFINITY : numberOf(values.packets, 0);
const seconds =
  values.packets === undefined ? numberOf(values.seconds, DEFAULT_SECONDS) : Number.POSITIVE_INFINITY;

const missing = whyNotLoadable();
if (missing !== undefined) {
  process.stderr.write(`fuzz: the fast path cannot be loaded: ${missing}\n`);
  process.exit(1);
}
process.stdout.write(`fuzz: seed ${seed}\n`);
using director = new LoadedDirector(SMALL_CAPACITY);
const began = performance.now();
const total: DifferentialSummary = { packets: 0, scenarios: 0, sent: 0, handedOver: 0, passed: 0 };
while (total.packets < packets && performance.now() - began < seconds * 1000) {
  const chunk = runDifferential(
    director,
    seed + total.scenarios,
    Math.min(CHUNK_PACKETS, packets - total.packets),
  );
  for (const name of Object.keys(total) as (keyof DifferentialSummary)[]) total[name] += chunk[name];
}
process.stdout.write(
  `fuzz: ${total.packets} packets in ${total.scenarios} scenarios: ${total.sent} sent, ` +
    `${total.handedOver} handed over, ${total.passed} passed; no difference\n`,
);

function numberOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const number = Number(text);
  return Number.isInteger(number) && number >= 0 ? number : refuse(text);
}

function refuse(text: string): never {
  process.stderr.write(`fuzz: found ${text}; a whole number is wanted\n${USAGE}`);
  return process.exit(2);
}
