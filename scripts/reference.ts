import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { checkShape, urlShape } from '../src/contract/checks/check-contract.ts';
import { capacityShape, directorShape, timeoutsShape } from '../src/contract/config/director-contract.ts';
import { realShape } from '../src/contract/config/real-contract.ts';
import { serviceShape } from '../src/contract/config/service-contract.ts';
import { masterShape } from '../src/contract/config/sync-contract.ts';
import { eventTable, optionTable } from '../src/contract/reference.ts';
import { apiTables } from './reference/api-tables.ts';
import { cliTables } from './reference/cli-tables.ts';
import { type Tables, withTables } from './reference/page.ts';

/**
 * Writes the tables of docs/reference from the code: the text between `<!-- table NAME -->` and `<!-- end -->`.
 * With `--check` it changes nothing, and fails if a table differs.
 */
const DIRECTORY = new URL('../docs/reference/', import.meta.url);

const BFD = [
  'neighbor',
  'source',
  'minTx',
  'minRx',
  'idleTx',
  'multiplier',
  'passive',
  'multihop',
  'ttl',
  'maxHops',
] as const;
const HTTP = [
  'urls',
  'rotate',
  'fastRecovery',
  'httpVersion',
  'virtualHost',
  'sni',
  'tlsVerify',
  'tlsCaFile',
] as const;
const GENERAL = [
  'type',
  'interval',
  'timeout',
  'retries',
  'retryDelay',
  'via',
  'port',
  'address',
  'bind',
  'mark',
  'warmup',
  'alpha',
  'logAllFailures',
] as const;

const configTables: Tables = {
  director: () => optionTable(directorShape),
  sync: () => optionTable(masterShape),
  timeouts: () => optionTable(timeoutsShape, 'State of the flow'),
  capacity: () => optionTable(capacityShape),
  services: () => optionTable(serviceShape),
  reals: () => optionTable(realShape),
  check: () => optionTable(pick(GENERAL)),
  bfd: () => optionTable(pick(BFD)),
  http: () => optionTable(pick(HTTP)),
  url: () => optionTable(urlShape),
};

/** The pages with tables, and the tables of each. */
export const PAGES: Readonly<Record<string, Tables>> = {
  'configuration.md': configTables,
  'api.md': apiTables,
  'cli.md': cliTables,
  'failures.md': { events: eventTable },
};

function pick(names: readonly (keyof typeof checkShape)[]): z.ZodRawShape {
  return Object.fromEntries(names.map((name) => [name, checkShape[name]]));
}

if (import.meta.main) {
  for (const [name, tables] of Object.entries(PAGES)) {
    const path = fileURLToPath(new URL(name, DIRECTORY));
    const page = readFileSync(path, 'utf8');
    const written = await withTables(page, tables);
    if (!process.argv.includes('--check')) writeFileSync(path, written);
    else if (written !== page) {
      process.stderr.write(`docs/reference/${name} differs from the code; fix: node scripts/reference.ts\n`);
      process.exitCode = 1;
    }
  }
}
