// Contradictions between quorum, sorry server, reals and commands of a service.
import { realShape } from '../../contract/config/real-contract.ts';
import { serviceShape } from '../../contract/config/service-contract.ts';
import { defaultOf } from '../../contract/option.ts';
import type { ConfigIssue } from '../validate/issue.ts';
import { commandFaults } from './command-contradictions.ts';
import { field, type RawChecks, type RawService, rawChecks } from './raw-config.ts';
import { tunnelFaults } from './tunnel-contradictions.ts';

/** Returns contradictions between a service's quorum, its reals, its sorry server and its commands. */
export function effectFaults(service: RawService, defaults: unknown): ConfigIssue[] {
  const { path, value, reals } = service;
  return [
    ...hysteresisFaults(service),
    ...quorumFaults(service, defaults),
    ...tunnelFaults([...path, 'sorryServer', 'tunnel'], field(field(value, 'sorryServer'), 'tunnel')),
    ...commandFaults(path, value),
    ...reals.flatMap((real) => commandFaults(real.path, real.value)),
  ];
}

function hysteresisFaults({ path, value }: RawService): ConfigIssue[] {
  const [quorum, hysteresis] = [
    field(value, 'quorum') ?? defaultOf(serviceShape.quorum),
    field(value, 'hysteresis'),
  ];
  if (typeof quorum !== 'number' || typeof hysteresis !== 'number' || hysteresis < quorum || quorum < 1)
    return [];
  const allowed =
    quorum === 1 ? 'less than the quorum, which must be above 1' : `less than the quorum, ${quorum}`;
  return [{ path: [...path, 'hysteresis'], message: `found ${hysteresis}; allowed: ${allowed}` }];
}

/** Finds a quorum that cannot be reached: it would leave the service to its sorry server for ever. */
function quorumFaults({ path, value, reals, checks }: RawService, defaults: unknown): ConfigIssue[] {
  const [quorum, hysteresis] = [field(value, 'quorum'), field(value, 'hysteresis') ?? 0];
  if (typeof quorum !== 'number' || typeof hysteresis !== 'number' || hysteresis >= quorum) return [];
  const levels = [rawChecks(defaults, ['defaults']), checks, ...reals.map((real) => real.checks)];
  if (levels.some(mayRaiseWeight)) return [];
  const standard = field(defaults, 'weight') ?? defaultOf(realShape.weight);
  const weights = reals.map((real) => field(real.value, 'weight') ?? standard);
  const sum = weights.reduce<number>((all, one) => all + (typeof one === 'number' ? one : 0), 0);
  if (quorum + hysteresis <= sum) return [];
  const needed = hysteresis === 0 ? `${quorum}` : `${quorum} and a hysteresis of ${hysteresis}`;
  const message = `found ${needed}, but the weights of its reals amount to ${sum}, so the quorum is never gained; allowed: at most ${sum} in all`;
  return [{ path: [...path, 'quorum'], message }];
}

function mayRaiseWeight({ check, checks = [] }: RawChecks): boolean {
  return [...checks, ...(check === undefined ? [] : [check])].some(
    ({ value }) => value === 'file' || field(value, 'type') === 'file' || field(value, 'dynamic') === true,
  );
}
