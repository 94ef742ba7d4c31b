// A service at a time in the past, in words.
import { formatIp } from '../../net/address/ip-address.ts';
import { liveState } from '../world/live-weight.ts';
import { handlingOf, type RealWorld, type ServiceWorld, type World } from '../world/world.ts';
import type { ServiceHistory, Since } from './service-history.ts';

const MAX_LISTED = 20;

/** Describes a service, its reals, and what made it so. */
export function describeService(history: ServiceHistory, world: World): string[] {
  const { service } = history;
  if (service === undefined) return [];
  const unusual = service.reals.flatMap((real) => describeReal(real, world, history));
  const listed = unusual.slice(0, MAX_LISTED);
  const usual = service.reals.length - unusual.length;
  if (unusual.length > MAX_LISTED) listed.push(`${unusual.length - MAX_LISTED} more were not as usual.`);
  return [
    describeQuorum(service, history),
    ...listed,
    `${usual} of ${service.reals.length} reals were up with their configured weights.`,
    ...describeChange(history),
  ];
}

export function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function describeQuorum({ service, quorum, weight }: ServiceWorld, history: ServiceHistory): string {
  const since = describeSince(history.quorumSince);
  if (quorum === 'up') return `${service.name} had its quorum, with a healthy weight of ${weight}${since}.`;
  const { sorryServer } = service.config;
  const instead =
    sorryServer === undefined ? '' : `: its sorry server ${formatIp(sorryServer.address)} served`;
  return `${service.name} was without its quorum, with a healthy weight of ${weight}${since}${instead}.`;
}

/** Returns nothing for a real that was up with its configured weight. */
function describeReal(one: RealWorld, world: World, history: ServiceHistory): string[] {
  const { real, health } = one;
  const { up, weight } = liveState(one, world);
  const handling = handlingOf(world, real.id);
  const words = [];
  if (!up) words.push(`was down since ${timeOf(health?.sinceMs ?? 0)}: ${health?.lastError}`);
  const way = world.withoutWay.get(real.config.address);
  if (way !== undefined) words.push(`had no known next hop since ${timeOf(way.sinceMs)}: ${way.detail}`);
  const since = describeSince(history.handledSince(real.id));
  if (handling.drained) words.push(`was drained by an operator${since}`);
  if (handling.weight !== undefined)
    words.push(`had weight ${handling.weight} instead of ${real.config.weight} by an operator${since}`);
  else if (!handling.drained && weight !== real.config.weight)
    words.push(`had weight ${weight} instead of ${real.config.weight} by its check`);
  return words.length === 0 ? [] : [`${formatIp(real.config.address)} ${words.join(', and ')}.`];
}

function describeChange({ entryChange }: ServiceHistory): string[] {
  if (entryChange === undefined) return [];
  const { atMs, isKnown, cause, events } = entryChange;
  if (!isKnown) return [`The service has not changed since the journal begins, at ${timeOf(atMs)}.`];
  return [
    `The service last changed at ${timeOf(atMs)}: ${events.length > 0 ? events.join('; ') : describeCause(cause)}.`,
  ];
}

const VERBS = { reload: 'a reload', apply: 'an apply', revert: 'a revert' } as const;
const CAUSES = {
  override: 'a change by an operator',
  checks: 'a check',
  confirm: 'a confirmation',
  plane: 'the data plane',
  tick: 'a time that had passed',
} as const;

function describeCause(cause: NonNullable<ServiceHistory['entryChange']>['cause']): string {
  if (cause === undefined) return 'it is so at the end of a time for which the journal lacks entries';
  if (cause === 'started') return 'a director started';
  return cause.kind === 'configure' ? VERBS[cause.verb] : CAUSES[cause.kind];
}

function describeSince(since: Since | undefined): string {
  if (since === undefined) return '';
  const time = timeOf(since.atMs);
  return since.isKnown ? `, since ${time}` : `, since ${time} or before`;
}
