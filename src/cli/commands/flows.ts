import type { Command } from 'commander';
import type { FlowQuery } from '../../api/client.ts';
import type { WireFlow } from '../../api/wire.ts';
import { addressArgument, serviceArgument } from '../arguments.ts';
import { type Context, examples, printPaced } from '../context.ts';
import { connect, type DirectorOptions, directorOptions } from '../director.ts';
import { formatAge } from '../reals-table.ts';
import { type Cell, type Column, formatLooseRow, formatTable } from '../table.ts';

type FlowsOptions = DirectorOptions & FlowQuery & { readonly json?: true };

/** Wide enough for the longest endpoint: rows are printed as they come. */
const ENDPOINT_WIDTH = '255.255.255.255:65535'.length;
const COLUMNS: readonly Column[] = [
  { header: 'PROTOCOL' },
  { header: 'CLIENT', width: ENDPOINT_WIDTH },
  { header: 'SERVICE', width: ENDPOINT_WIDTH },
  { header: 'REAL', width: '255.255.255.255'.length },
  { header: 'STATE', width: 'ESTABLISHED'.length },
  { header: 'IDLE', align: 'right' },
];

export function register(program: Command, context: Context): void {
  const command = directorOptions(program.command('flows'))
    .description(
      'List the flows that a running director remembers. Where the choice of a real is stable none needs to be.',
    )
    .option('--service <name>', 'only of this service, as tcp:192.0.2.10:80', serviceArgument)
    .option('--real <address>', 'only to this real', addressArgument)
    .option('--client <address>', 'only from this client', addressArgument)
    .option('--json', 'print one JSON object to a line');
  examples(
    command,
    'culvert flows',
    'culvert flows --real 10.0.3.2 --service tcp:192.0.2.10:80',
    'culvert flows --json | wc -l',
  ).action((options: FlowsOptions) => listFlows(context, options));
}

async function listFlows(context: Context, options: FlowsOptions): Promise<void> {
  const client = await connect(options, context);
  const { service, real, client: from } = options;
  let listed = 0;
  for await (const flow of client.flows({ service, real, client: from })) {
    if (listed === 0 && !options.json) await printPaced(context, formatTable(COLUMNS, [], context.style));
    listed++;
    await printPaced(
      context,
      options.json ? `${JSON.stringify(flow)}\n` : formatLooseRow(COLUMNS, flowRow(flow), context.style),
    );
  }
  if (listed === 0 && !options.json) await printPaced(context, 'no flows are remembered\n');
}

function flowRow(flow: WireFlow): Cell[] {
  return [
    flow.service.protocol,
    `${flow.client}:${flow.clientPort}`,
    `${flow.service.vip}:${flow.service.port}`,
    flow.real,
    flow.state,
    formatAge(flow.idleMs),
  ];
}
