import type { Command } from 'commander';
import { serviceName } from '../../api/service-name.ts';
import type { WireServiceStats, WireStats, WireTraffic } from '../../api/wire.ts';
import { REASONS, type Reason } from '../../forwarding/reasons.ts';
import { type Context, examples, print, printJson } from '../context.ts';
import { connect, type DirectorOptions, directorOptions } from '../director.ts';
import { flowCountText, flowSumText } from '../flow-words.ts';
import type { Style } from '../style.ts';
import { type Cell, type Column, formatTable } from '../table.ts';

const TRAFFIC_COLUMNS: readonly Column[] = [
  { header: 'SERVICE / REAL' },
  { header: 'CONNECTIONS', align: 'right' },
  { header: 'PACKETS', align: 'right' },
  { header: 'BYTES', align: 'right' },
  { header: 'ACTIVE', align: 'right' },
  { header: 'INACTIVE', align: 'right' },
  { header: 'PERSISTENT', align: 'right' },
];

const REASON_COLUMNS: readonly Column[] = [
  { header: 'REASON' },
  { header: 'PACKETS', align: 'right' },
  { header: 'MEANING' },
];

export function register(program: Command, context: Context): void {
  const command = directorOptions(program.command('stats'))
    .description(
      'Show the counters of a running director: traffic per service and real, and packets that were not simply forwarded, by reason.',
    )
    .option('--json', 'print JSON');
  examples(command, 'culvert stats', 'culvert stats --json').action(
    async (options: DirectorOptions & { readonly json?: true }) => {
      const stats = await (await connect(options, context)).stats();
      if (options.json) printJson(context, stats);
      else print(context, statsText(stats, context.style));
    },
  );
}

function statsText(stats: WireStats, style: Style): string {
  const traffic = formatTable(TRAFFIC_COLUMNS, stats.services.flatMap(serviceRows), style);
  const reasons = Object.entries(stats.reasons)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, packets]): Cell[] => [reason, packets, REASONS[reason as Reason] ?? '']);
  reasons.push(['(slow path)', stats.handedOver, 'handed over by the fast path, of all reasons']);
  if (stats.overBudget > 0) {
    reasons.push([
      '(over budget)',
      stats.overBudget,
      'rare packets dropped by the fast path in a flood of them',
    ]);
  }
  return `${traffic}\n${formatTable(REASON_COLUMNS, reasons, style)}`;
}

function serviceRows(service: WireServiceStats): Cell[][] {
  const { reals } = service;
  return [
    [
      { text: serviceName(service.service), colour: 'bold' },
      ...trafficCells(service),
      flowSumText(reals, 'activeFlows'),
      flowSumText(reals, 'inactiveFlows'),
      reals.reduce((sum, real) => sum + real.persistentClients, 0),
    ],
    ...reals.map((real): Cell[] => [
      `  ${real.address}`,
      ...trafficCells(real),
      flowCountText(real.activeFlows, real),
      flowCountText(real.inactiveFlows, real),
      real.persistentClients,
    ]),
  ];
}

function trafficCells({ connections, packets, bytes }: WireTraffic): Cell[] {
  return [connections, packets, bytes];
}
