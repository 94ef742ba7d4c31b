import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { checkShape, urlShape } from '../src/contract/checks/check-contract.ts';
import { capacityShape, directorShape, timeoutsShape } from '../src/contract/config/director-contract.ts';
import { realShape } from '../src/contract/config/real-contract.ts';
import { serviceShape } from '../src/contract/config/service-contract.ts';
import { optionTable } from '../src/contract/reference.ts';

/**
 * Writes the tables of docs/reference/configuration.md from the contracts: what stands between `<!-- table NAME -->` and
 * `<!-- end -->`. With `--check` it changes nothing, and fails where a table is another one.
 */
const PAGE = fileURLToPath(new URL('../docs/reference/configuration.md', import.meta.url));

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

const TABLES: Readonly<Record<string, z.ZodRawShape>> = {
  director: directorShape,
  timeouts: timeoutsShape,
  capacity: capacityShape,
  services: serviceShape,
  reals: realShape,
  check: pick(GENERAL),
  bfd: pick(BFD),
  http: pick(HTTP),
  url: urlShape,
};

/** The head over the descriptions, where it is not `Allowed`. */
const HEADS: Readonly<Record<string, string>> = { timeouts: 'State of the flow' };

function pick(names: readonly (keyof typeof checkShape)[]): z.ZodRawShape {
  return Object.fromEntries(names.map((name) => [name, checkShape[name]]));
}

export function withTables(page: string): string {
  return page.replaceAll(
    /(<!-- table (\w+) -->\n\n)[\s\S]*?(\n\n<!-- end -->)/g,
    (_all, begin: string, name: string, end: string) => {
      const shape = TABLES[name];
      if (shape === undefined)
        throw new Error(`docs/reference/configuration.md: no contract is called ${name}`);
      return begin + optionTable(shape, HEADS[name]) + end;
    },
  );
}

if (import.meta.main) {
  const page = readFileSync(PAGE, 'utf8');
  const written = withTables(page);
  if (!process.argv.includes('--check')) writeFileSync(PAGE, written);
  else if (written !== page) {
    process.stderr.write(
      'docs/reference/configuration.md is not what the contracts say; fix: node scripts/reference.ts\n',
    );
    process.exitCode = 1;
  }
}
