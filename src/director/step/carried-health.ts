// The health that the checks of a configuration begin with: what was known before, under another configuration or in another run.
import type { ServiceName } from '../../forwarding/forwarding-table.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import type { Check } from '../../health/check-identity.ts';
import type { KnownHealth } from '../../health/check-state.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { DownState } from '../state/state-store.ts';
import { type Model, type ModelReal, type RealId, servingReals } from '../world/model.ts';
import {
  allReals,
  type CheckWorld,
  checkOf,
  type FoundHealth,
  realOf,
  type ServiceWorld,
  type World,
} from '../world/world.ts';
import type { StartInput } from './input.ts';

/** Returns the known health of a real before this check of it began. */
export type FormerHealth = (real: ModelReal, check: Check) => KnownHealth | undefined;

/**
 * Returns what each check of a model begins with. One that was under way goes on; another begins with what is known of its reals
 * from before, under whatever check that was: a failed real stays failed until an attempt has passed.
 */
export function firstChecks(
  before: World,
  model: Model,
  { former, nowMs }: { readonly former: FormerHealth; readonly nowMs: number },
): (check: Check) => CheckWorld {
  const known = new Map<string, CheckWorld>();
  const begin = (check: Check): CheckWorld => {
    const places = model.placesByCheck.get(check.key) ?? [];
    const health = places.map((place) => {
      const real = model.services[place.service]?.reals[place.real];
      return real && former(real, check);
    });
    const state = foundHealth(worst(health) ?? (check.alpha ? unproven(nowMs) : healthy(nowMs)));
    return { key: check.key, type: check.type, state, shortage: undefined };
  };
  return (check) => {
    const found = known.get(check.key) ?? checkOf(before, check.key) ?? begin(check);
    known.set(check.key, found);
    return found;
  };
}

/**
 * Returns what a world knows, by the reals' names, for the next model, whose checks may differ. A service that has another name
 * there takes its failed reals along. Unproven health does not end that a service is without its quorum.
 */
export function formerIn(before: World, after: Model, nowMs: number): FormerHealth {
  const names = new Set(after.services.map(({ name }) => name));
  const failed = failedIn(before.services.filter(({ service }) => !names.has(service.name)));
  const lost = lostQuorums(before);
  return (real, check) => {
    const same = realOf(before, real.id);
    if (same?.health === undefined) {
      const known = before.gone.get(real.id) ?? failed.get(real.config.address);
      return known ?? (lost.has(formatServiceName(real.service)) ? unproven(nowMs) : undefined);
    }
    const alike = same.checks.find(({ type }) => type === check.type);
    return { ...same.health, weight: alike?.state.weight };
  };
}

export function lostQuorums({ services }: Pick<World, 'services'>): ReadonlySet<ServiceName> {
  return new Set(services.filter(({ quorum }) => quorum === 'lost').map(({ service }) => service.name));
}

function failedIn(services: readonly ServiceWorld[]): Map<IpAddress, KnownHealth> {
  const failed = new Map<IpAddress, KnownHealth>();
  for (const { real, health } of allReals({ services })) {
    if (health?.up === false)
      failed.set(real.config.address, { ...health, weight: undefined, presumed: true });
  }
  return failed;
}

/** Returns the failed reals of a world that a model does not have, with those that were gone already. */
export function goneWith(before: World, after: Model): ReadonlyMap<RealId, KnownHealth> {
  const gone = new Map(before.gone);
  for (const { real, health } of allReals(before)) {
    if (health?.up === false && !health.presumed && !after.places.has(real.id)) gone.set(real.id, health);
  }
  return gone;
}

/** Returns what the former run knew of the reals of a model. A lost state file does not matter where the plane forwards. */
export function formerRun({ state, forwarded }: StartInput, model: Model, nowMs: number): FormerHealth {
  const { down, lostQuorums: lost } = state;
  const serving = servingReals(forwarded, lost);
  const isOut = new Map(
    model.services.map(({ name, reals }) => {
      const served = reals.map(({ id }) => serving.get(id)).filter((one) => one !== undefined);
      return [name, served.length > 0 && (lost.has(name) || !served.includes(true))] as const;
    }),
  );
  return ({ id, service }) => {
    const known = down.get(id);
    if (known !== undefined) return knownDown(known);
    const served = serving.get(id);
    if (served === undefined) return isOut.get(formatServiceName(service)) ? unproven(nowMs) : undefined;
    const lastError = 'it was down before the director restarted';
    return served ? healthy(nowMs) : { ...healthy(nowMs), up: false, lastError, presumed: true };
  };
}

export function knownDown({ since, error, presumed }: DownState): KnownHealth {
  return { up: false, sinceMs: Date.parse(since), lastError: error, ...(presumed === true && { presumed }) };
}

function worst(all: readonly (KnownHealth | undefined)[]): KnownHealth | undefined {
  return all.find((one) => one?.up === false) ?? all.find((one) => one !== undefined);
}

function foundHealth({ up, sinceMs, lastError, weight, presumed = false }: KnownHealth): FoundHealth {
  return { up, sinceMs, failures: 0, lastError, weight, presumed };
}

function unproven(nowMs: number): KnownHealth {
  return { ...healthy(nowMs), up: false, lastError: 'not checked yet', presumed: true };
}

function healthy(nowMs: number): KnownHealth {
  return { up: true, sinceMs: nowMs, lastError: undefined };
}
