// The state of a director, its services and its real servers.
import type { DirectorConfig } from '../../contract/config/director-contract.ts';
import { serviceShape } from '../../contract/config/service-contract.ts';
import { forwardedValues } from '../../contract/option.ts';
import type { PlaneCounters } from '../../dataplane/data-plane.ts';
import type { ServiceKey } from '../../forwarding/forwarding-table.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import type { LastAttempt } from '../../health/check-state.ts';
import { weightBy } from '../../health/weight-effect.ts';
import type { CheckStatus, DirectorStatus, RealFlows, RealStatus, ServiceStatus } from '../control.ts';
import type { SyncRoleStatus } from '../sync/synchronisation.ts';
import { type RealId, realId } from '../world/model.ts';
import { realEffect } from '../world/real-effect.ts';
import {
  type CheckWorld,
  handlingOf,
  type RealWorld,
  type ServiceWorld,
  type World,
} from '../world/world.ts';
import type { TrafficAccounts } from './traffic-book.ts';

/** The parts of a status that a world does not have. */
export interface RealStatusContext {
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly lastAttempt: (checkKey: string) => LastAttempt | undefined;
  readonly flowsOf: (id: RealId) => RealFlows;
}

export interface StatusContext extends RealStatusContext {
  readonly director: DirectorConfig;
  readonly configPath: string;
  readonly plane: string;
  readonly counters: PlaneCounters;
  readonly accounts: TrafficAccounts;
  readonly sync: readonly SyncRoleStatus[];
}

export function directorStatus(world: World, context: StatusContext): DirectorStatus {
  const { director, configPath, plane, startedMs, counters, accounts, sync } = context;
  return {
    instance: director.instance,
    interface: director.interface,
    plane,
    configPath,
    pid: process.pid,
    startedAt: new Date(startedMs).toISOString(),
    services: world.services.map((service) => serviceStatus(world, service, context)),
    counters,
    accounts,
    sync,
    shortages: Array.from(world.shortages.values(), ({ shortage, sinceMs, checks }) => ({
      ...shortage,
      since: new Date(sinceMs).toISOString(),
      checks,
    })),
    unmadeAttempts: world.unmadeAttempts,
  };
}

/** Returns the status of these reals, in the order of the configuration. */
export function realStatuses(
  world: World,
  ids: ReadonlySet<RealId>,
  context: RealStatusContext,
): RealStatus[] {
  return world.services.flatMap((service) =>
    service.reals
      .filter(({ real }) => ids.has(real.id))
      .map((real) => realStatus(world, { service, real }, context)),
  );
}

function serviceStatus(world: World, service: ServiceWorld, context: RealStatusContext): ServiceStatus {
  const { name, config } = service.service;
  const { morePorts, schedulerFlags, persistence, tunnel, quorum, hysteresis } = config;
  return {
    key: keyOf(config),
    ...forwardedValues(serviceShape, config),
    morePorts,
    schedulerFlags,
    persistence,
    tunnel,
    quorum: { state: service.quorum, weight: service.weight, quorum, hysteresis },
    sorryServer: config.sorryServer && {
      ...config.sorryServer,
      serving: service.quorum === 'lost',
      ...context.flowsOf(realId(name, config.sorryServer.address)),
    },
    reals: service.reals.map((real) => realStatus(world, { service, real }, context)),
  };
}

const NONE: RealFlows = {
  activeFlows: 0,
  inactiveFlows: 0,
  persistentClients: 0,
  flowsKnown: true,
  flowsKnownInMs: undefined,
};

/** Returns the flows that a plane remembers for each real; zeros for a real it does not have. */
export function flowsByReal(counters: PlaneCounters): (id: RealId) => RealFlows {
  const flows = new Map(
    counters.services.flatMap(({ key, reals }) => {
      const name = formatServiceName(key);
      return reals.map((real) => [realId(name, real.address), real] as const);
    }),
  );
  return (id) => {
    const { activeFlows, inactiveFlows, persistentClients, flowsKnown, flowsKnownInMs, local, noWay } =
      flows.get(id) ?? NONE;
    const known = { activeFlows, inactiveFlows, persistentClients, flowsKnown, flowsKnownInMs };
    return { ...known, ...(local === true && { local }), ...(noWay === true && { noWay }) };
  };
}

function realStatus(
  world: World,
  { service, real: one }: { readonly service: ServiceWorld; readonly real: RealWorld },
  { startedMs, lastAttempt, flowsOf }: RealStatusContext,
): RealStatus {
  const { real, health } = one;
  const { weight: configuredWeight, tunnel, upperThreshold, lowerThreshold, inhibitOnFailure } = real.config;
  const handling = handlingOf(world, real.id);
  const sorry = service.quorum === 'lost' ? service.service.config.sorryServer : undefined;
  const effect = realEffect(one, world, sorry);
  return {
    service: keyOf(real.service),
    address: real.config.address,
    configuredWeight,
    override: handling.weight,
    drained: handling.drained,
    effectiveWeight: effect.serving ? effect.weight : 0,
    serving: effect.serving,
    inhibitOnFailure,
    tunnel,
    upperThreshold,
    lowerThreshold,
    ...flowsOf(real.id),
    health: {
      state: health === undefined ? 'unchecked' : health.up ? 'up' : 'down',
      since: new Date(health?.sinceMs ?? startedMs).toISOString(),
      lastError: health?.lastError,
      failures: health?.failures ?? 0,
      checks: one.checks.map((check) => checkStatus(check, lastAttempt(check.key))),
      weight:
        health === undefined || health.weights.length === 0
          ? undefined
          : weightBy(health.weights, configuredWeight),
    },
  };
}

function checkStatus({ type, state }: CheckWorld, last: LastAttempt | undefined): CheckStatus {
  return {
    type,
    state: state.up ? 'up' : 'down',
    since: new Date(state.sinceMs).toISOString(),
    lastError: state.lastError,
    failures: state.failures,
    lastMs: last && Math.round(last.tookMs * 100) / 100,
    lastAnswer: last?.answer,
  };
}

function keyOf({ vip, protocol, port }: ServiceKey): ServiceKey {
  return { vip, protocol, port };
}
