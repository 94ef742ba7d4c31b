import type { Command } from 'commander';
import { serviceName } from '../../api/service-name.ts';
import type { WireReal, WireService } from '../../api/wire.ts';
import { type Context, examples, print, printJson } from '../context.ts';
import { connect, type DirectorOptions, directorOptions } from '../director.ts';
import { flowSumText } from '../flow-words.ts';
import { persistenceText, quorumText, schedulerText, sorryText, tunnelText } from '../service-words.ts';
import type { Style } from '../style.ts';
import { type Cell, type Column, formatTable } from '../table.ts';

const COLUMNS: readonly Column[] = [
  { header: 'SERVICE' },
  { header: 'SCHEDULER' },
  { header: 'PERSISTENCE' },
  { header: 'TUNNEL' },
  { header: 'REALS', align: 'right' },
  { header: 'UP', align: 'right' },
  { header: 'DOWN', align: 'right' },
  { header: 'WEIGHT', align: 'right' },
  { header: 'QUORUM' },
  { header: 'SORRY SERVER' },
  { header: 'ACTIVE', align: 'right' },
  { header: 'INACTIVE', align: 'right' },
  { header: 'PERSISTENT', align: 'right' },
];

export function register(program: Command, context: Context): void {
  const command = directorOptions(program.command('services'))
    .description(
      'List the services of a running director. A service of several ports is named by the first of them and the number of the others.',
    )
    .option('--json', 'print JSON, reals included');
  examples(command, 'culvert services', 'culvert services --json').action(
    async (options: DirectorOptions & { readonly json?: true }) => {
      const services = await (await connect(options, context)).services();
      if (options.json) printJson(context, services);
      else print(context, servicesTable(services, context.style));
    },
  );
}

function servicesTable(services: readonly WireService[], style: Style): string {
  if (services.length === 0) return 'no services\n';
  return formatTable(COLUMNS, services.map(serviceRow), style);
}

function serviceRow(status: WireService): Cell[] {
  const { service, morePorts, tunnel, reals } = status;
  const sum = (value: (real: WireReal) => number): number =>
    reals.reduce((total, real) => total + value(real), 0);
  const down = reals.filter((real) => real.health.state === 'down').length;
  const up = reals.length - down;
  return [
    `${serviceName(service)}${morePorts.length === 0 ? '' : ` +${morePorts.length}`}`,
    schedulerText(status),
    persistenceText(status),
    tunnelText(tunnel),
    reals.length,
    { text: String(up), colour: up === 0 ? 'red' : 'green' },
    down === 0 ? 0 : { text: String(down), colour: 'red' },
    sum((real) => real.effectiveWeight),
    { text: quorumText(status), colour: status.quorum.state === 'up' ? 'green' : 'red' },
    status.sorryServer?.serving ? { text: sorryText(status), colour: 'yellow' } : sorryText(status),
    flowSumText(reals, 'activeFlows'),
    flowSumText(reals, 'inactiveFlows'),
    sum((real) => real.persistentClients),
  ];
}
