import { serviceName } from '../api/service-name.ts';
import type { WireReal } from '../api/wire.ts';
import { completionText, flowCountText } from './flow-words.ts';
import { formatAge } from './format-age.ts';
import { tunnelText } from './service-words.ts';
import type { Colour, Style } from './style.ts';
import { type Cell, type Column, formatCount, formatTable } from './table.ts';

const COLUMNS: readonly Column[] = [
  { header: 'SERVICE' },
  { header: 'REAL' },
  { header: 'WEIGHT', align: 'right' },
  { header: 'CONFIGURED', align: 'right' },
  { header: 'ACTIVE', align: 'right' },
  { header: 'INACTIVE', align: 'right' },
  { header: 'PERSISTENT', align: 'right' },
  { header: 'CHECK' },
  { header: 'HEALTH' },
  { header: 'FOR', align: 'right' },
  { header: 'NOTE' },
];

const HEALTH_COLOUR: Readonly<Record<WireReal['health']['state'], Colour>> = {
  up: 'green',
  down: 'red',
  unchecked: 'yellow',
};

/** Reals with weight, flows and health; a service is named once. */
export function realsTable(reals: readonly WireReal[], style: Style, nowMs: number): string {
  let former = '';
  const rows = reals.map((real): Cell[] => {
    const name = serviceName(real.service);
    const shown = name === former ? '' : name;
    former = name;
    const { state, since } = real.health;
    return [
      shown,
      real.address,
      real.effectiveWeight,
      real.configuredWeight,
      flowCountText(real.activeFlows, real),
      flowCountText(real.inactiveFlows, real),
      real.persistentClients,
      real.health.checks.map(({ type }) => type).join('+') || '-',
      { text: state, colour: HEALTH_COLOUR[state] },
      formatAge(nowMs - Date.parse(since)),
      note(real, nowMs),
    ];
  });
  return formatTable(COLUMNS, rows, style);
}

/** Where what is forwarded to it is not what its health alone says. */
function effectNotes({
  health,
  serving,
  effectiveWeight,
  inhibitOnFailure,
  override,
  drained,
}: WireReal): string[] {
  if (health.state === 'down') {
    if (!serving) return [];
    return [effectiveWeight > 0 ? 'serves as sorry server' : 'keeps its flows'];
  }
  if (!serving) return ['displaced by the sorry server'];
  const displaced =
    inhibitOnFailure && effectiveWeight === 0 && override === null && !drained && health.weight !== 0;
  return displaced ? ['displaced by the sorry server, keeps its flows'] : [];
}

/** `drained`, and whether it may have connections still. */
function drainNote(real: WireReal, nowMs: number): string {
  const { activeKnown, activeFlows, inactiveFlows, persistentClients } = real;
  if (activeKnown && activeFlows + inactiveFlows + persistentClients === 0) return 'drained, no flows left';
  const complete = completionText(real, nowMs);
  return complete === undefined ? 'drained' : `drained, flows ${complete}`;
}

function note(real: WireReal, nowMs: number): string {
  const { override, drained, health, tunnel, upperThreshold } = real;
  const notes = effectNotes(real);
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
