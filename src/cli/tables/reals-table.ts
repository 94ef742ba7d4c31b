// The table of real servers.
import type { WireReal } from '../../contract/api/service-status.ts';
import { serviceName } from '../../contract/api/service-text.ts';
import { type FitColumn, type FitOptions, type FitRow, fitTable } from './fit-table.ts';
import { completionText, flowCountText } from './flow-words.ts';
import { formatAge } from './format-age.ts';
import { tunnelText } from './service-words.ts';
import type { Colour } from './style.ts';
import { type Cell, formatCount } from './text-table.ts';

const SERVICE: FitColumn = { header: 'SERVICE', shorten: true };
const COLUMNS: readonly FitColumn[] = [
  { header: 'REAL', shorten: true },
  { header: 'WEIGHT', align: 'right' },
  { header: 'CONFIGURED', short: 'CONF', align: 'right', stack: 5 },
  { header: 'ACTIVE', align: 'right', stack: 1 },
  { header: 'INACTIVE', short: 'INACT', align: 'right', stack: 3 },
  { header: 'PERSISTENT', short: 'PERS', align: 'right', optional: true, stack: 6 },
  { header: 'CHECK', stack: 4 },
  { header: 'HEALTH' },
  { header: 'FOR', align: 'right', stack: 2 },
  { header: 'LAST CHECK', stack: 8 },
  { header: 'NOTE', optional: true, stack: 9, speaks: true },
];

export interface RealsTableOptions extends FitOptions {
  readonly nowMs: number;
  /** The reals of a service are one after the other: a terminal shows the service once, above them. */
  readonly isGrouped: boolean;
}

const HEALTH_COLOUR: Readonly<Record<WireReal['health']['state'], Colour>> = {
  up: 'green',
  down: 'red',
  unchecked: 'yellow',
};

/** Reals with weight, flows, health and the last check. Each row names its service, except on a terminal. */
export function realsTable(reals: readonly WireReal[], options: RealsTableOptions): string {
  const { nowMs, isGrouped, width } = options;
  if (!isGrouped || width === undefined) {
    const rows = reals.map((real) => [serviceName(real.service), ...realCells(real, real.address, nowMs)]);
    return fitTable([SERVICE, ...COLUMNS], rows, options);
  }
  let former = '';
  const rows = reals.flatMap((real): FitRow[] => {
    const name = serviceName(real.service);
    const row = realCells(real, `  ${real.address}`, nowMs);
    if (name === former) return [row];
    former = name;
    return [{ heading: { text: name, colour: 'bold' } }, row];
  });
  const [first = SERVICE, ...others] = COLUMNS;
  return fitTable([{ ...first, header: 'SERVICE / REAL' }, ...others], rows, options);
}

function realCells(real: WireReal, name: string, nowMs: number): Cell[] {
  const { state, since, checks } = real.health;
  return [
    name,
    real.effectiveWeight,
    real.configuredWeight,
    flowCountText(real.activeFlows, real),
    flowCountText(real.inactiveFlows, real),
    real.persistentClients,
    checks.map(({ type }) => type).join('+') || '-',
    { text: state, colour: HEALTH_COLOUR[state] },
    formatAge(nowMs - Date.parse(since)),
    lastChecks(real),
    note(real, nowMs),
  ];
}

/** Returns how long the last attempt of each check took, and its result: `0.4 ms, connected`. */
function lastChecks({ health: { checks } }: WireReal): string {
  const texts = checks.map(({ lastMs, lastAnswer, lastError }) => {
    if (lastMs === null) return 'not yet';
    const took = lastMs < 10 ? lastMs.toFixed(1) : lastMs.toFixed(0);
    // The note has the reason of the failure.
    return lastAnswer === null || lastError !== null ? `${took} ms, failed` : `${took} ms, ${lastAnswer}`;
  });
  return texts.join(' + ') || '-';
}

/** Notes for reals whose traffic differs from what their health alone would mean. */
function effectNotes({
  service,
  health,
  serving,
  effectiveWeight,
  inhibitOnFailure,
  override,
  drained,
}: WireReal): string[] {
  if (health.state === 'down') {
    if (!serving) return [];
    if (effectiveWeight > 0) return ['serves as sorry server'];
    // Flows of UDP move as soon as another real of the service can take them.
    return [service.protocol === 'udp' ? 'inhibited' : 'keeps its flows'];
  }
  if (!serving) return ['displaced by the sorry server'];
  const displaced =
    inhibitOnFailure && effectiveWeight === 0 && override === null && !drained && health.weight !== 0;
  return displaced ? ['displaced by the sorry server, keeps its flows'] : [];
}

/** `drained`, and whether connections may be left. */
function drainNote(real: WireReal, nowMs: number): string {
  const { activeKnown, activeFlows, inactiveFlows, persistentClients } = real;
  if (activeKnown && activeFlows + inactiveFlows + persistentClients === 0) return 'drained, no flows left';
  const complete = completionText(real, nowMs);
  return complete === undefined ? 'drained' : `drained, flows ${complete}`;
}

function note(real: WireReal, nowMs: number): string {
  const { override, drained, health, tunnel, upperThreshold } = real;
  const notes = effectNotes(real);
  if (real.local === true) notes.push('this host');
  if (real.noWay === true) notes.push('no way to it');
  if (drained) notes.push(drainNote(real, nowMs));
  if (override !== null) notes.push(drained ? `weight ${override} set by hand` : 'weight set by hand');
  if (override === null && health.weight !== null) notes.push('weight set by a check');
  if (health.lastError !== null) {
    const times = health.failures > 1 ? ` (${health.failures} times)` : '';
    notes.push(`${health.lastError}${times}`);
  }
  if (tunnel !== null) notes.push(`tunnel ${tunnelText(tunnel)}`);
  if (upperThreshold > 0) notes.push(`at most ${formatCount(upperThreshold)} flows`);
  return notes.join('; ');
}
