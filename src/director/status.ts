import type { DirectorConfig } from '../config/config.ts';
import type { PlaneCounters } from '../dataplane/data-plane.ts';
import { formatServiceName } from '../forwarding/service-name.ts';
import type { ServiceKey } from '../forwarding/table.ts';
import type { CheckState } from '../health/check-state.ts';
import { weightBy } from '../health/weight-effect.ts';
import type { DirectorStatus, RealFlows, RealStatus, ServiceStatus } from './control.ts';
import { type ModelReal, type ModelService, type RealId, realId } from './model.ts';
import type { TrafficAccounts } from './traffic-book.ts';

export interface DirectorStatusInput {
  readonly director: DirectorConfig;
  readonly configPath: string;
  readonly plane: string;
  readonly startedMs: number;
  readonly services: readonly ModelService[];
  readonly statusOf: (real: ModelReal) => RealStatus;
  readonly counters: PlaneCounters;
  readonly accounts: TrafficAccounts;
}

export function directorStatus(input: DirectorStatusInput): DirectorStatus {
  return {
    instance: input.director.instance,
    interface: input.director.interface,
    plane: input.plane,
    configPath: input.configPath,
    pid: process.pid,
    startedAt: new Date(input.startedMs).toISOString(),
    services: input.services.map((service) => serviceStatus(service, input.statusOf)),
    counters: input.counters,
    accounts: input.accounts,
  };
}

function serviceStatus(
  { config, reals }: ModelService,
  statusOf: DirectorStatusInput['statusOf'],
): ServiceStatus {
  const { morePorts, scheduler, schedulerFlags, hashOn, onePacket, persistence, tunnel } = config;
  return {
    key: keyOf(config),
    morePorts,
    scheduler,
    schedulerFlags,
    hashOn,
    onePacket,
    persistence,
    tunnel,
    reals: reals.map(statusOf),
  };
}

/** What a plane remembers for each real; for one that it has not got, nothing. */
export function flowsByReal(counters: PlaneCounters): (id: RealId) => RealFlows {
  const flows = new Map(
    counters.services.flatMap(({ key, reals }) => {
      const name = formatServiceName(key);
      return reals.map((real) => [realId(name, real.address), real] as const);
    }),
  );
  return (id) => {
    const { activeFlows = 0, inactiveFlows = 0, persistentClients = 0 } = flows.get(id) ?? {};
    return { activeFlows, inactiveFlows, persistentClients };
  };
}

export interface RealStatusInput {
  readonly real: ModelReal;
  readonly override: number | undefined;
  /** Undefined: unchecked. */
  readonly health: CheckState | undefined;
  /** Since when it has been so, in milliseconds since 1970. */
  readonly sinceMs: number;
  readonly flows: RealFlows;
}

export function realStatus({ real, override, health, sinceMs, flows }: RealStatusInput): RealStatus {
  const down = health?.up === false;
  const { weight: configured, check, tunnel, upperThreshold, lowerThreshold } = real.config;
  const found = weightBy(health?.weight, configured);
  return {
    service: keyOf(real.service),
    address: real.config.address,
    configuredWeight: configured,
    override,
    effectiveWeight: down ? 0 : (override ?? found),
    tunnel,
    upperThreshold,
    lowerThreshold,
    ...flows,
    health: {
      state: health === undefined ? 'unchecked' : down ? 'down' : 'up',
      since: new Date(sinceMs).toISOString(),
      lastError: health?.lastError,
      failures: health?.failures ?? 0,
      check: check?.probe.type,
      weight: health?.weight === undefined ? undefined : found,
    },
  };
}

function keyOf({ vip, protocol, port }: ServiceKey): ServiceKey {
  return { vip, protocol, port };
}
