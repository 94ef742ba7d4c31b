// Services, real servers and their turns in the words of events.
import type { ReloadSummary } from '../../contract/api/configuration.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import type { RealHealth } from '../../health/real-health.ts';
import { formatIp } from '../../net/address/ip-address.ts';
import type { ModelReal, ModelService } from './model.ts';
import type { QuorumState } from './quorum.ts';
import type { FoundHealth } from './world.ts';

/** `10.0.3.2 of tcp 192.0.2.10:80`. */
export function nameReal(real: ModelReal): string {
  return `${formatIp(real.config.address)} of ${formatServiceName(real.service)}`;
}

export function describeDown(real: ModelReal, { failures, lastError }: RealHealth): string {
  const attempts = failures === 1 ? '1 failed attempt' : `${failures} failed attempts`;
  return `${nameReal(real)} is down: ${lastError} (${attempts})`;
}

/** Describes the result of one check among several, which left the real as it was. */
export function describeCheck(real: ModelReal, checkKey: string, { up, lastError }: FoundHealth): string {
  const type = real.checks.find(({ key }) => key === checkKey)?.type;
  const what = up ? 'passes again, but another one fails' : `fails too: ${lastError}`;
  return `${nameReal(real)} stays down: its ${type} check ${what}`;
}

export function describeFailure(real: ModelReal, { failures, lastError }: FoundHealth): string {
  return `the check of ${nameReal(real)} failed: ${lastError} (${failures} in a row)`;
}

/** `weight`: that of the reals that are up. */
export function describeQuorum(
  { name, config }: ModelService,
  { state, weight }: { readonly state: QuorumState; readonly weight: number },
): string {
  const { quorum, hysteresis, sorryServer } = config;
  const sorry = sorryServer && `sorry server ${formatIp(sorryServer.address)}`;
  const of = (sign: string): string => (hysteresis === 0 ? `${quorum}` : `${quorum} ${sign} ${hysteresis}`);
  if (state === 'up') {
    const words = `${name} has its quorum: healthy weight ${weight} is at least ${of('+')}`;
    return sorry === undefined ? words : `${words}; the reals serve instead of ${sorry}`;
  }
  const words = `${name} lost its quorum: healthy weight ${weight} is below ${of('-')}`;
  return sorry === undefined ? words : `${words}; ${sorry} serves instead of the reals`;
}

export function describeChanges(verb: string, summary: ReloadSummary): string {
  const { servicesAdded, servicesChanged, servicesRemoved, realsAdded, realsChanged, realsRemoved } = summary;
  const services = `services: ${servicesAdded} added, ${servicesChanged} changed, ${servicesRemoved} removed`;
  const reals = `reals: ${realsAdded} added, ${realsChanged} changed, ${realsRemoved} removed`;
  return `${verb}: ${services}; ${reals}; applied in ${summary.applyMs.toFixed(1)} ms`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
