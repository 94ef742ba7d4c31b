// The live table of the lab.
import type { Style } from '../cli/tables/style.ts';
import { type Cell, type Column, formatCount, formatTable } from '../cli/tables/text-table.ts';
import type { WireRealStats, WireStatus } from '../contract/api/director-status.ts';
import type { WireReal } from '../contract/api/service-status.ts';
import type { WireServiceKey } from '../contract/api/wire-values.ts';
import type { LabReal } from './environment.ts';
import type { Traffic } from './traffic.ts';

const COLUMNS: readonly Column[] = [
  { header: 'REAL' },
  { header: 'ADDRESS' },
  { header: 'WEIGHT', align: 'right' },
  { header: 'HEALTH' },
  { header: 'CONNECTIONS', align: 'right' },
  { header: 'PACKETS', align: 'right' },
  { header: 'BYTES', align: 'right' },
  { header: 'CLIENT GOT', align: 'right' },
];

/** The lines of the live table: a heading and the reals of each service. */
export function drawStatus(
  status: WireStatus,
  traffic: Traffic,
  { reals, style }: { readonly reals: readonly LabReal[]; readonly style: Style },
): readonly string[] {
  const { requests, failed, byReal } = traffic.between();
  const last = traffic.last?.real ?? traffic.last?.error ?? 'nothing yet';
  const lines = [
    '',
    style('bold', status.plane),
    `client: ${formatCount(requests)} requests, ${formatCount(failed)} failed; last: ${last}`,
  ];
  for (const { service, scheduler, reals: members } of status.services) {
    const counted =
      status.stats.services.find((candidate) => sameService(candidate.service, service))?.reals ?? [];
    const rows = members.map((real) => {
      const name = reals.find(({ address }) => address === real.address)?.name ?? '';
      return row(
        real,
        counted.find(({ address }) => address === real.address),
        [name, byReal[name] ?? 0],
      );
    });
    lines.push(`${service.protocol} ${service.vip}:${service.port}, scheduler ${scheduler}`);
    lines.push(...formatTable(COLUMNS, rows, style).trimEnd().split('\n'));
  }
  return lines;
}

function row(real: WireReal, counted: WireRealStats | undefined, [name, answers]: [string, number]): Cell[] {
  return [
    name,
    real.address,
    real.effectiveWeight,
    { text: real.health.state, colour: real.health.state === 'down' ? 'red' : 'green' },
    counted?.connections ?? 0,
    counted?.packets ?? 0,
    counted?.bytes ?? 0,
    answers,
  ];
}

function sameService(one: WireServiceKey, other: WireServiceKey): boolean {
  return one.protocol === other.protocol && one.vip === other.vip && one.port === other.port;
}
