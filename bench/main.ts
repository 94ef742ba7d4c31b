import { parseArgs } from 'node:util';
import { benchApply } from './apply.ts';
import { benchBfd } from './bfd.ts';
import { benchChecks } from './checks.ts';
import { benchCommands } from './commands.ts';
import { fastPathBench } from './fast-path.ts';
import { benchFlowMemory } from './flow-memory.ts';
import { benchHostile } from './hostile.ts';
import { benchHttp } from './http.ts';
import { benchSchedulers } from './schedulers.ts';
import { benchSlowPath } from './slow-path.ts';
import { loadWarning } from './statistics.ts';
import { benchVeth } from './veth.ts';

/** `make bench`: every figure of the project, medians with their spread. `--only PART`, `--json`. */
const PARTS = {
  'fast-path': async () => ({ fastPath: await fastPathBench({}) }),
  veth: async () => ({ veth: benchVeth(9) }),
  'slow-path': async () => ({ slowPath: await benchSlowPath(3) }),
  'flow-memory': async () => ({ flowMemory: benchFlowMemory(9) }),
  schedulers: async () => ({ schedulers: benchSchedulers(9) }),
  apply: async () => ({ apply: await benchApply(5) }),
  commands: async () => ({ commands: await benchCommands(9) }),
  bfd: async () => ({ bfd: await benchBfd(3) }),
  checks: async () => ({ checks: await benchChecks(5) }),
  hostile: async () => ({ hostile: await benchHostile() }),
  http: async () => ({ http: await benchHttp(5, 3) }),
} as const;

const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'boolean' } } });
const wanted = Object.entries(PARTS).filter(([name]) => values.only === undefined || values.only === name);
if (wanted.length === 0) {
  process.stderr.write(`bench: found --only ${values.only}; allowed: ${Object.keys(PARTS).join(', ')}\n`);
  process.exit(2);
}

const warning = loadWarning();
if (warning !== undefined) process.stderr.write(`bench: ${warning}\n`);
let results: object = {};
for (const [name, run] of wanted) {
  process.stderr.write(`bench: ${name} ...\n`);
  results = { ...results, ...(await run()) };
}
process.stdout.write(values.json ? `${JSON.stringify(results)}\n` : `${describe(results)}\n`);

/** One line for each figure, its path first. */
function describe(value: unknown, path = ''): string {
  if (typeof value !== 'object' || value === null) return `${path.padEnd(48)} ${shown(value)}`;
  if (isSample(value)) {
    return `${path.padEnd(48)} ${shown(value.median)}  (${shown(value.least)} to ${shown(value.most)})`;
  }
  return Object.entries(value)
    .map(([name, inner]) => describe(inner, path === '' ? name : `${path}.${name}`))
    .join('\n');
}

function isSample(value: object): value is { median: number; least: number; most: number } {
  return 'median' in value && 'least' in value && 'most' in value;
}

function shown(value: unknown): string {
  return typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(2) : String(value);
}
