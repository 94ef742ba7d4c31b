import type { Command } from 'commander';
import { serviceName } from '../../api/service-name.ts';
import type { WireService } from '../../api/wire.ts';
import { type Context, examples, print, printJson } from '../context.ts';
import { connect, type DirectorOptions, directorOptions } from '../director.ts';
import type { Style } from '../style.ts';
import { type Cell, type Column, formatTable } from '../table.ts';

const COLUMNS: readonly Column[] = [
  { header: 'SERVICE' },
  { header: 'SCHEDULER' },
  { header: 'TUNNEL' },
  { header: 'REALS', align: 'right' },
  { header: 'UP', align: 'right' },
  { header: 'DOWN', align: 'right' },
  { header: 'WEIGHT', align: 'right' },
];

export function register(program: Command, context: Context): void {
  const command = directorOptions(program.command('services'))
    .description('List the services of a running director.')
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

function serviceRow({ service, scheduler, tunnel, reals }: WireService): Cell[] {
  const down = reals.filter((real) => real.health.state === 'down').length;
  const up = reals.length - down;
  return [
    serviceName(service),
    scheduler,
    tunnel.type,
    reals.length,
    { text: String(up), colour: up === 0 ? 'red' : 'green' },
    down === 0 ? 0 : { text: String(down), colour: 'red' },
    reals.reduce((sum, real) => sum + real.effectiveWeight, 0),
  ];
}
