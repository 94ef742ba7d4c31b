// `culvert services`: lists services.
import type { Command } from 'commander';
import type { WireReal, WireService } from '../../../contract/api/service-status.ts';
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
import { type FitColumn, fitTable } from '../../tables/fit-table.ts';
import { flowSumText } from '../../tables/flow-words.ts';
import {
  persistenceText,
  quorumText,
  schedulerText,
  sorryText,
  tunnelText,
} from '../../tables/service-words.ts';
import { descending, sorted } from '../../tables/sort.ts';
import { terminalWidth } from '../../tables/terminal.ts';
import type { Cell } from '../../tables/text-table.ts';
import { jsonText, printWatched } from '../../tables/watch.ts';

const COLUMNS: readonly FitColumn[] = [
  { header: 'SERVICE', shorten: true },
  { header: 'SCHEDULER', stack: 1 },
  { header: 'PERSISTENCE', optional: true, stack: 7 },
  { header: 'TUNNEL', stack: 8 },
  { header: 'REALS', align: 'right' },
  { header: 'UP', align: 'right' },
  { header: 'DOWN', align: 'right' },
  { header: 'WEIGHT', align: 'right', stack: 2 },
  { header: 'QUORUM', stack: 5 },
  { header: 'SORRY SERVER', optional: true, stack: 9 },
  { header: 'ACTIVE', align: 'right', stack: 3 },
  { header: 'INACTIVE', short: 'INACT', align: 'right', stack: 4 },
  { header: 'PERSISTENT', short: 'PERS', align: 'right', optional: true, stack: 6 },
];

const SORTS = {
  service: (a: WireService, b: WireService) =>
    serviceName(a.service).localeCompare(serviceName(b.service), 'en', { numeric: true }),
  reals: descending((service: WireService) => service.reals.length),
  down: descending(downOf),
  weight: descending((service: WireService) => sumOf(service, (real) => real.effectiveWeight)),
  active: descending((service: WireService) => sumOf(service, (real) => real.activeFlows)),
  inactive: descending((service: WireService) => sumOf(service, (real) => real.inactiveFlows)),
} as const;

export const listing: Listing<ListingOptions> = {
  name: 'services',
  description:
    'List the services of a running director. A service with several ports is shown with its first port and the number of the others.',
  options: [
    SERVICE_OPTION,
    { ...REAL_OPTION, description: 'only services with this real server' },
    { flags: '--down', description: 'only services that have a real server down or have lost their quorum' },
    sortOption(Object.keys(SORTS)),
    WATCH_OPTION,
    { ...JSON_OPTION, description: 'print JSON, reals included' },
  ],
  examples: [
    'culvert services',
    'culvert services --down',
    'culvert services --sort active --watch 5',
    'culvert services --json',
  ],
  run: listServices,
};

export function register(program: Command, context: Context): void {
  registerListing(program, context, listing);
}

async function listServices(options: ListingOptions, context: Context): Promise<void> {
  const client = await connect(options, context);
  const { style, stdout } = context;
  const width = terminalWidth(stdout);
  await printWatched(context, options.watch, async () => {
    const all = await client.services();
    const services = sorted(
      all.filter((service) => isWanted(service, options)),
      SORTS,
      options.sort,
    );
    if (options.json) return jsonText(services);
    if (services.length === 0) return all.length === 0 ? 'no services\n' : 'no services match\n';
    return fitTable(COLUMNS, services.map(serviceRow), { style, width });
  });
}

function isWanted(status: WireService, { service, real, down }: ListingOptions): boolean {
  if (down && downOf(status) === 0 && status.quorum.state === 'up') return false;
  if (real !== undefined && !status.reals.some(({ address }) => parseIp(address) === parseIp(real)))
    return false;
  const { morePorts } = status;
  return service === undefined || isSameService({ ...status.service, morePorts }, parseServiceName(service));
}

function downOf({ reals }: WireService): number {
  return reals.filter(({ health }) => health.state === 'down').length;
}

function sumOf({ reals }: WireService, value: (real: WireReal) => number): number {
  return reals.reduce((total, real) => total + value(real), 0);
}

function serviceRow(status: WireService): Cell[] {
  const { service, morePorts, tunnel, reals } = status;
  const down = downOf(status);
  const up = reals.length - down;
  return [
    `${serviceName(service)}${morePorts.length === 0 ? '' : ` +${morePorts.length}`}`,
    schedulerText(status),
    persistenceText(status),
    tunnelText(tunnel),
    reals.length,
    { text: String(up), colour: up === 0 ? 'red' : 'green' },
    down === 0 ? 0 : { text: String(down), colour: 'red' },
    sumOf(status, (real) => real.effectiveWeight),
    { text: quorumText(status), colour: status.quorum.state === 'up' ? 'green' : 'red' },
    status.sorryServer?.serving ? { text: sorryText(status), colour: 'yellow' } : sorryText(status),
    flowSumText(reals, 'activeFlows'),
    flowSumText(reals, 'inactiveFlows'),
    sumOf(status, (real) => real.persistentClients),
  ];
}
