// `culvert reals`: lists real servers with weight, flows and health.
import type { Command } from 'commander';
import type { WireReal } from '../../../contract/api/service-status.ts';
import { parseServiceName, serviceName } from '../../../contract/api/service-text.ts';
import { parseIp } from '../../../net/address/ip-address.ts';
import type { Context } from '../../command-context.ts';
import { connect } from '../../options/director-options.ts';
import {
  JSON_OPTION,
  type Listing,
  type ListingOptions,
  REAL_OPTION,
  registerListing,
  SERVICE_OPTION,
  sortOption,
  WATCH_OPTION,
} from '../../options/listing.ts';
import { isSameService } from '../../options/select-service.ts';
import { realsTable } from '../../tables/reals-table.ts';
import { descending, sorted } from '../../tables/sort.ts';
import { terminalWidth } from '../../tables/terminal.ts';
import { jsonText, printWatched } from '../../tables/watch.ts';

const SORTS = {
  service: (a: WireReal, b: WireReal) =>
    serviceName(a.service).localeCompare(serviceName(b.service), 'en', { numeric: true }),
  real: (a: WireReal, b: WireReal) => a.address.localeCompare(b.address, 'en', { numeric: true }),
  weight: descending((real: WireReal) => real.effectiveWeight),
  active: descending((real: WireReal) => real.activeFlows),
  inactive: descending((real: WireReal) => real.inactiveFlows),
  health: descending((real: WireReal) => (real.health.state === 'down' ? 1 : 0)),
  since: descending((real: WireReal) => Date.parse(real.health.since)),
  check: descending((real: WireReal) => Math.max(...real.health.checks.map(({ lastMs }) => lastMs ?? 0), 0)),
} as const;

export const listing: Listing<ListingOptions> = {
  name: 'reals',
  description: 'List the real servers of a running director, with weight, flows, health and the last check.',
  options: [
    SERVICE_OPTION,
    REAL_OPTION,
    { flags: '--down', description: 'only real servers that are down' },
    sortOption(Object.keys(SORTS)),
    WATCH_OPTION,
    JSON_OPTION,
  ],
  examples: [
    'culvert reals',
    'culvert reals --down',
    'culvert reals --sort active --watch',
    'culvert reals --json',
  ],
  run: listReals,
};

export function register(program: Command, context: Context): void {
  registerListing(program, context, listing);
}

async function listReals(options: ListingOptions, context: Context): Promise<void> {
  const client = await connect(options, context);
  const { style, stdout } = context;
  const width = terminalWidth(stdout);
  await printWatched(context, options.watch, async () => {
    const all = await client.reals();
    const reals = sorted(
      all.filter((real) => isWanted(real, options)),
      SORTS,
      options.sort,
    );
    if (options.json) return jsonText(reals);
    if (reals.length === 0) return all.length === 0 ? 'no reals\n' : 'no reals match\n';
    return realsTable(reals, { style, width, nowMs: Date.now(), isGrouped: options.sort === undefined });
  });
}

function isWanted(real: WireReal, { service, real: address, down }: ListingOptions): boolean {
  if (down && real.health.state !== 'down') return false;
  if (address !== undefined && parseIp(real.address) !== parseIp(address)) return false;
  return service === undefined || isSameService(real.service, parseServiceName(service));
}
