// Contradictions between the quorum of a service and its reals.
import { realShape } from '../../contract/config/real-contract.ts';
import { serviceShape } from '../../contract/config/service-contract.ts';
import { defaultOf } from '../../contract/option.ts';
import type { ConfigIssue } from '../validate/issue.ts';
import { type PartialChecks, type PartialConfig, type PartialService, WRONG } from './partial-config.ts';

export function quorumFaults(config: PartialConfig): ConfigIssue[] {
  return config.services.flatMap((service) => [
    ...hysteresisFaults(service),
    ...neverGained(service, config.defaults),
  ]);
}

function hysteresisFaults({ path, options }: PartialService): ConfigIssue[] {
  const { quorum = defaultOf(serviceShape.quorum), hysteresis } = options;
  if (quorum === WRONG || hysteresis === undefined || hysteresis === WRONG || hysteresis < quorum) return [];
  const allowed =
    quorum === 1 ? 'less than the quorum, which must be above 1' : `less than the quorum, ${quorum}`;
  return [{ path: [...path, 'hysteresis'], message: `found ${hysteresis}; allowed: ${allowed}` }];
}

/** Finds a quorum that cannot be reached: it would leave the service to its sorry server for ever. */
function neverGained(
  { path, options, reals, checks }: PartialService,
  defaults: PartialConfig['defaults'],
): ConfigIssue[] {
  const { quorum, hysteresis = 0 } = options;
  if (quorum === undefined || quorum === WRONG || hysteresis === WRONG || hysteresis >= quorum) return [];
  const levels = [defaults.checks, checks, ...reals.map((real) => real.checks)];
  if (levels.some(mayRaiseWeight)) return [];
  const { weight: general = defaultOf(realShape.weight) } = defaults.options;
  const weights = reals.map((real) => real.options.weight ?? general);
  // What a wrong weight, or a real that is no mapping, would add is not known.
  if (weights.includes(WRONG) || options.reals === WRONG || options.reals?.includes(WRONG)) return [];
  const sum = weights.reduce<number>((all, weight) => all + Number(weight), 0);
  if (quorum + hysteresis <= sum) return [];
  const needed = hysteresis === 0 ? `${quorum}` : `${quorum} and a hysteresis of ${hysteresis}`;
  const message = `found ${needed}, but the weights of its reals amount to ${sum}, so the quorum is never gained; allowed: at most ${sum} in all`;
  return [{ path: [...path, 'quorum'], message }];
}

function mayRaiseWeight({ check, checks = [] }: PartialChecks): boolean {
  return [...checks, ...(check === undefined ? [] : [check])].some(
    ({ type, options }) => type === 'file' || options.dynamic === true,
  );
}
