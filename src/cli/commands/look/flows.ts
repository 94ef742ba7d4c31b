// `culvert flows`: lists remembered flows.
import { type Command, Option } from 'commander';
import type { FlowQuery } from '../../../api/client/client.ts';
import type { WireFlow } from '../../../contract/api/flow.ts';
import { wireEndpoint } from '../../../contract/api/service-text.ts';
import { FLOW_STATES } from '../../../forwarding/flow-states.ts';
import { printableJson } from '../../../printable-text.ts';
import { type Context, examples, printPaced } from '../../command-context.ts';
import {
  addressArgument,
  networkArgument,
  numberArgument,
  serviceArgument,
} from '../../options/arguments.ts';
import { connect, type DirectorOptions, directorOptions } from '../../options/director-options.ts';
import { WATCH_OPTION } from '../../options/listing.ts';
import { type FitColumn, fitTable } from '../../tables/fit-table.ts';
import { formatAge } from '../../tables/format-age.ts';
import { terminalWidth } from '../../tables/terminal.ts';
import { type Cell, type Column, formatLooseRow, formatTable } from '../../tables/text-table.ts';
import { printWatched } from '../../tables/watch.ts';

type FlowsOptions = DirectorOptions & FlowQuery & { readonly json?: true; readonly watch?: true | number };

const WIDEST_IPV4 = '255.255.255.255';
/** A usual length of addresses; a longer one only shifts its row. */
const USUAL_IPV6 = '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff';

function widest(address: string): string {
  return address.includes(':') ? USUAL_IPV6 : WIDEST_IPV4;
}

const TERMINAL_COLUMNS: readonly FitColumn[] = [
  { header: 'PROTOCOL', short: 'PROTO' },
  { header: 'CLIENT', shorten: true },
  { header: 'SERVICE', shorten: true },
  { header: 'REAL', shorten: true, stack: 1 },
  { header: 'STATE' },
  { header: 'IDLE', align: 'right', stack: 2 },
  { header: 'LEFT', align: 'right', stack: 3 },
];

/** Rows are printed as they come, so that their columns are as wide as those of the first are likely to need. */
function columnsFor({ service, real }: WireFlow): readonly Column[] {
  const endpoint = wireEndpoint(widest(service.vip), 65_535).length;
  return [
    { header: 'PROTOCOL' },
    { header: 'CLIENT', width: endpoint },
    { header: 'SERVICE', width: endpoint },
    { header: 'REAL', width: widest(real).length },
    { header: 'STATE', width: 'COOKIE_ECHOED'.length },
    { header: 'IDLE', align: 'right' },
    { header: 'LEFT', align: 'right' },
  ];
}

export function register(program: Command, context: Context): void {
  const command = directorOptions(program.command('flows'))
    .description(
      'List the flows that a running director remembers. It remembers none where the choice of a real is stable.',
    )
    .option('--service <name>', 'only flows of this service, such as tcp:192.0.2.10:80', serviceArgument)
    .option('--real <address>', 'only flows to this real', addressArgument)
    .option(
      '--client <network>',
      'only flows from this client, or from clients in this network',
      networkArgument,
    )
    .addOption(new Option('--state <state>', 'only flows in this state').choices(FLOW_STATES))
    .option(WATCH_OPTION.flags, WATCH_OPTION.description, numberArgument(1, 3600))
    .option('--json', 'print one JSON object per line');
  examples(
    command,
    'culvert flows',
    'culvert flows --real 10.0.3.2 --service tcp:192.0.2.10:80',
    'culvert flows --client 198.51.100.0/24 --state ESTABLISHED',
    'culvert flows --json | wc -l',
  ).action((options: FlowsOptions) => listFlows(context, options));
}

async function listFlows(context: Context, options: FlowsOptions): Promise<void> {
  const client = await connect(options, context);
  const { service, real, client: from, state, json, watch } = options;
  const flows = client.flows.bind(client, { service, real, client: from, state });
  if (watch === undefined) return printFlows(context, flows(), json === true);
  await printWatched(context, watch, async () => {
    const some: WireFlow[] = [];
    for await (const flow of flows()) some.push(flow);
    return json ? some.map(jsonLine).join('') : some.length === 0 ? NONE : fittedFlows(some, context);
  });
}

const NONE = 'no flows are remembered\n';
/** Rows per table on a terminal; each table has columns as wide as its rows need. */
const TERMINAL_BATCH = 500;

async function printFlows(context: Context, flows: AsyncIterable<WireFlow>, json: boolean): Promise<void> {
  const width = terminalWidth(context.stdout);
  let columns: readonly Column[] | undefined;
  let batch: WireFlow[] = [];
  for await (const flow of flows) {
    if (json) {
      await printPaced(context, jsonLine(flow));
      continue;
    }
    if (columns === undefined) {
      columns = columnsFor(flow);
      if (width === undefined) await printPaced(context, formatTable(columns, [], context.style));
    }
    if (width === undefined) await printPaced(context, formatLooseRow(columns, flowRow(flow), context.style));
    else if (batch.push(flow) === TERMINAL_BATCH) {
      await printPaced(context, fittedFlows(batch, context));
      batch = [];
    }
  }
  if (batch.length > 0) await printPaced(context, fittedFlows(batch, context));
  if (columns === undefined && !json) await printPaced(context, NONE);
}

function fittedFlows(flows: readonly WireFlow[], { style, stdout }: Context): string {
  return fitTable(TERMINAL_COLUMNS, flows.map(flowRow), { style, width: terminalWidth(stdout) });
}

function jsonLine(flow: WireFlow): string {
  return `${printableJson(flow)}\n`;
}

function flowRow(flow: WireFlow): Cell[] {
  return [
    flow.service.protocol,
    // A persistence template is for all ports of a client.
    flow.clientPort === 0 ? (flow.client ?? '?') : wireEndpoint(flow.client ?? '?', flow.clientPort),
    wireEndpoint(flow.service.vip, flow.service.port === 0 ? 'all' : flow.service.port),
    flow.real,
    flow.state,
    formatAge(flow.idleMs),
    formatAge(flow.leftMs),
  ];
}
