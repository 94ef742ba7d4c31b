// `culvert stats`: shows counters and rates.
import type { Command } from 'commander';
import type { WireRealStats, WireServiceStats, WireStats } from '../../../contract/api/director-status.ts';
import { parseServiceName, serviceName } from '../../../contract/api/service-text.ts';
import { REASONS, type Reason } from '../../../forwarding/reasons.ts';
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
import { type FitColumn, type FitOptions, fitTable } from '../../tables/fit-table.ts';
import { flowCountText, flowSumText } from '../../tables/flow-words.ts';
import { descending, sorted } from '../../tables/sort.ts';
import { terminalWidth } from '../../tables/terminal.ts';
import type { Cell } from '../../tables/text-table.ts';
import { jsonText, printWatched } from '../../tables/watch.ts';

const COUNTS: readonly FitColumn[] = [
  { header: 'CONNECTIONS', short: 'CONNS', align: 'right' },
  { header: 'PACKETS', align: 'right' },
  { header: 'BYTES', align: 'right' },
  { header: 'CONNS/S', align: 'right', stack: 3 },
  { header: 'PACKETS/S', short: 'PKTS/S', align: 'right', stack: 1 },
  { header: 'BYTES/S', align: 'right', stack: 2 },
  { header: 'ACTIVE', align: 'right', optional: true, stack: 4 },
  { header: 'INACTIVE', short: 'INACT', align: 'right', optional: true, stack: 5 },
  { header: 'PERSISTENT', short: 'PERS', align: 'right', optional: true, stack: 6 },
];
/** The columns on a terminal, where reals are listed below their service; elsewhere each line names its service. */
const NESTED: readonly FitColumn[] = [{ header: 'SERVICE / REAL', shorten: true }, ...COUNTS];
const FLAT: readonly FitColumn[] = [{ header: 'SERVICE' }, { header: 'REAL' }, ...COUNTS];

const REASON_COLUMNS: readonly FitColumn[] = [
  { header: 'REASON' },
  { header: 'PACKETS', align: 'right' },
  { header: 'MEANING', stack: 1, speaks: true },
];

type Flows = Pick<
  WireRealStats,
  'activeFlows' | 'inactiveFlows' | 'persistentClients' | 'activeKnown' | 'completeAt'
>;
type Counted = Pick<WireRealStats, 'connections' | 'packets' | 'bytes' | 'perSecond'>;
type Value = (counted: Counted) => number;

const VALUES: Readonly<Record<string, Value>> = {
  connections: (counted) => counted.connections,
  packets: (counted) => counted.packets,
  bytes: (counted) => counted.bytes,
  'connections/s': (counted) => counted.perSecond.connections,
  'packets/s': (counted) => counted.perSecond.packets,
  'bytes/s': (counted) => counted.perSecond.bytes,
};
const SORTS = Object.fromEntries(Object.entries(VALUES).map(([key, value]) => [key, descending(value)]));

export const listing: Listing<ListingOptions> = {
  name: 'stats',
  description:
    'Show the counters of a running director: traffic and its rate per service and real server, and by reason the packets that were not simply forwarded.',
  options: [SERVICE_OPTION, REAL_OPTION, sortOption(Object.keys(SORTS)), WATCH_OPTION, JSON_OPTION],
  examples: [
    'culvert stats',
    'culvert stats --service tcp:192.0.2.10:80 --watch',
    'culvert stats --sort packets/s',
    'culvert stats --json',
  ],
  run: showStats,
};

export function register(program: Command, context: Context): void {
  registerListing(program, context, listing);
}

async function showStats(options: ListingOptions, context: Context): Promise<void> {
  const client = await connect(options, context);
  const { style, stdout } = context;
  const width = terminalWidth(stdout);
  await printWatched(context, options.watch, async () => {
    const stats = selected(await client.stats(), options);
    return options.json ? jsonText(stats) : statsText(stats, { style, width });
  });
}

function selected(stats: WireStats, { service, real, sort }: ListingOptions): WireStats {
  const wanted = parseServiceName(service ?? '');
  const address = parseIp(real ?? '');
  const services = stats.services
    .filter((each) => service === undefined || isSameService(each.service, wanted))
    .map((each) => ({
      ...each,
      reals: sorted(
        each.reals.filter((one) => address === undefined || parseIp(one.address) === address),
        SORTS,
        sort,
      ),
    }))
    .filter(({ reals }) => address === undefined || reals.length > 0);
  return { ...stats, services: sorted(services, SORTS, sort) };
}

function statsText(stats: WireStats, options: FitOptions): string {
  const isNested = options.width !== undefined;
  const rows = stats.services.flatMap((service) => (isNested ? nestedRows(service) : flatRows(service)));
  const traffic = fitTable(isNested ? NESTED : FLAT, rows, options);
  return `${traffic}\n${fitTable(REASON_COLUMNS, reasonRows(stats), options)}`;
}

function reasonRows(stats: WireStats): Cell[][] {
  const reasons = Object.entries(stats.reasons)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, packets]): Cell[] => [reason, packets, REASONS[reason as Reason] ?? '']);
  reasons.push(['(slow path)', stats.handedOver, 'handed over by the fast path, for all reasons']);
  if (stats.overBudget > 0) {
    reasons.push([
      '(over budget)',
      stats.overBudget,
      'rare packets that the fast path dropped during a flood',
    ]);
  }
  return reasons;
}

function nestedRows(service: WireServiceStats): Cell[][] {
  return [
    [{ text: serviceName(service.service), colour: 'bold' }, ...cells(service), ...flowsOfAll(service.reals)],
    ...service.reals.map((real): Cell[] => [`  ${real.address}`, ...cells(real), ...flowsOf(real)]),
  ];
}

function flatRows(service: WireServiceStats): Cell[][] {
  const name = serviceName(service.service);
  return [
    [name, '(all)', ...cells(service), ...flowsOfAll(service.reals)],
    ...service.reals.map((real): Cell[] => [name, real.address, ...cells(real), ...flowsOf(real)]),
  ];
}

/** Returns the flow cells summed over several reals. */
function flowsOfAll(reals: readonly Flows[]): Cell[] {
  return [
    flowSumText(reals, 'activeFlows'),
    flowSumText(reals, 'inactiveFlows'),
    reals.reduce((sum, real) => sum + real.persistentClients, 0),
  ];
}

function flowsOf(real: Flows): Cell[] {
  const { activeFlows, inactiveFlows, persistentClients } = real;
  return [flowCountText(activeFlows, real), flowCountText(inactiveFlows, real), persistentClients];
}

function cells({ connections, packets, bytes, perSecond }: Counted): Cell[] {
  return [
    connections,
    packets,
    bytes,
    rate(perSecond.connections),
    rate(perSecond.packets),
    rate(perSecond.bytes),
  ];
}

/** Rates below ten per second keep one decimal. */
function rate(value: number): Cell {
  return value > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value);
}
