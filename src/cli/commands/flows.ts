import { type Command, Option } from 'commander';
import type { FlowQuery } from '../../api/client.ts';
import { wireEndpoint } from '../../api/service-name.ts';
import type { WireFlow } from '../../api/wire.ts';
import { FLOW_STATES } from '../../dataplane/data-plane.ts';
import { printableJson } from '../../printable-text.ts';
import { addressArgument, networkArgument, serviceArgument } from '../arguments.ts';
import { type Context, examples, printPaced } from '../context.ts';
import { connect, type DirectorOptions, directorOptions } from '../director.ts';
import { formatAge } from '../format-age.ts';
import { type Cell, type Column, formatLooseRow, formatTable } from '../table.ts';

type FlowsOptions = DirectorOptions & FlowQuery & { readonly json?: true };

const WIDEST_IPV4 = '255.255.255.255';
/** What addresses are like in practice; a longer one only shifts its row. */
const USUAL_IPV6 = '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff';

function widest(address: string): string {
  return address.includes(':') ? USUAL_IPV6 : WIDEST_IPV4;
}

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
      'List the flows that a running director remembers. Where the choice of a real is stable none needs to be.',
    )
    .option('--service <name>', 'only of this service, as tcp:192.0.2.10:80', serviceArgument)
    .option('--real <address>', 'only to this real', addressArgument)
    .option('--client <network>', 'only from this client, or from clients in this network', networkArgument)
    .addOption(new Option('--state <state>', 'only in this state').choices(FLOW_STATES))
    .option('--json', 'print one JSON object to a line');
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
  const { service, real, client: from, state, json } = options;
  let columns: readonly Column[] | undefined;
  for await (const flow of client.flows({ service, real, client: from, state })) {
    if (json) {
      await printPaced(context, `${printableJson(flow)}\n`);
      continue;
    }
    if (columns === undefined) {
      columns = columnsFor(flow);
      await printPaced(context, formatTable(columns, [], context.style));
    }
    await printPaced(context, formatLooseRow(columns, flowRow(flow), context.style));
  }
  if (columns === undefined && !json) await printPaced(context, 'no flows are remembered\n');
}

function flowRow(flow: WireFlow): Cell[] {
  return [
    flow.service.protocol,
    // What persistence remembers is for all ports of a client.
    flow.clientPort === 0 ? (flow.client ?? '?') : wireEndpoint(flow.client ?? '?', flow.clientPort),
    wireEndpoint(flow.service.vip, flow.service.port === 0 ? 'all' : flow.service.port),
    flow.real,
    flow.state,
    formatAge(flow.idleMs),
    formatAge(flow.leftMs),
  ];
}
