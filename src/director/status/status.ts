// The state of a director, its services and its real servers.
import type { DirectorConfig } from '../../contract/config/director-contract.ts';
import { serviceShape } from '../../contract/config/service-contract.ts';
import { forwardedValues } from '../../contract/option.ts';
import type { PlaneCounters } from '../../dataplane/data-plane.ts';
import type { ServiceKey } from '../../forwarding/forwarding-table.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import type { RealHealth } from '../../health/real-health.ts';
import { weightBy } from '../../health/weight-effect.ts';
import type {
  CheckStatus,
  DirectorStatus,
  QuorumStatus,
  RealFlows,
  RealStatus,
  ServiceStatus,
  ShortageStatus,
} from '../control.ts';
import type { RealEffect } from '../effects/real-effect.ts';
import type { CheckedState } from '../health-board.ts';
import { type ModelReal, type ModelService, type RealId, realId } from '../model.ts';
import type { TrafficAccounts } from './traffic-book.ts';

export interface DirectorStatusInput {
  readonly director: DirectorConfig;
  readonly configPath: string;
  readonly plane: string;
  readonly startedMs: number;
  readonly services: readonly ModelService[];
  readonly statusOf: (real: ModelReal) => RealStatus;
  readonly quorumOf: (service: ModelService) => Pick<QuorumStatus, 'state' | 'weight'>;
  readonly flowsOf: (id: RealId) => RealFlows;
  readonly counters: PlaneCounters;
  readonly accounts: TrafficAccounts;
  readonly shortages: readonly ShortageStatus[];
  readonly unmadeAttempts: number;
}

export function directorStatus(input: DirectorStatusInput): DirectorStatus {
  return {
    instance: input.director.instance,
    interface: input.director.interface,
    plane: input.plane,
    configPath: input.configPath,
    pid: process.pid,
    startedAt: new Date(input.startedMs).toISOString(),
    services: input.services.map((service) => serviceStatus(service, input)),
    counters: input.counters,
    accounts: input.accounts,
    shortages: input.shortages,
    unmadeAttempts: input.unmadeAttempts,
  };
}

function serviceStatus(
  service: ModelService,
  { statusOf, quorumOf, flowsOf }: DirectorStatusInput,
): ServiceStatus {
  const { name, config, reals } = service;
  const quorum = quorumOf(service);
  const { morePorts, schedulerFlags, persistence, tunnel } = config;
  return {
    key: keyOf(config),
    ...forwardedValues(serviceShape, config),
    morePorts,
    schedulerFlags,
    persistence,
    tunnel,
    quorum: { ...quorum, quorum: config.quorum, hysteresis: config.hysteresis },
    sorryServer: config.sorryServer && {
      ...config.sorryServer,
      serving: quorum.state === 'lost',
      ...flowsOf(realId(name, config.sorryServer.address)),
    },
    reals: reals.map(statusOf),
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

export interface RealStatusInput {
  readonly real: ModelReal;
  readonly override: number | undefined;
  readonly drained: boolean;
  readonly effect: RealEffect;
  /** The health; undefined if the real has no check. */
  readonly health: RealHealth | undefined;
  readonly checks: readonly CheckedState[];
  /** A time of the checks' clock in milliseconds since 1970. */
  readonly wallClockMs: (monotonicMs: number) => number;
  /** The time since which it has been so, in milliseconds since 1970. */
  readonly sinceMs: number;
  readonly flows: RealFlows;
}

export function realStatus(input: RealStatusInput): RealStatus {
  const { real, override, drained, effect, health, flows } = input;
  const down = health?.up === false;
  const { weight: configured, tunnel, upperThreshold, lowerThreshold } = real.config;
  const { inhibitOnFailure } = real.config;
  const found = weightBy(health?.weights ?? [], configured);
  return {
    service: keyOf(real.service),
    address: real.config.address,
    configuredWeight: configured,
    override,
    drained,
    effectiveWeight: effect.serving ? effect.weight : 0,
    serving: effect.serving,
    inhibitOnFailure,
    tunnel,
    upperThreshold,
    lowerThreshold,
    ...flows,
    health: {
      state: health === undefined ? 'unchecked' : down ? 'down' : 'up',
      since: new Date(input.sinceMs).toISOString(),
      lastError: health?.lastError,
      failures: health?.failures ?? 0,
      checks: input.checks.map((check) => checkStatus(check, input.wallClockMs)),
      weight: health === undefined || health.weights.length === 0 ? undefined : found,
    },
  };
}

function checkStatus(
  { type, state, last }: CheckedState,
  wallClockMs: RealStatusInput['wallClockMs'],
): CheckStatus {
  return {
    type,
    state: state.up ? 'up' : 'down',
    since: new Date(wallClockMs(state.sinceMs)).toISOString(),
    lastError: state.lastError,
    failures: state.failures,
    lastMs: last && Math.round(last.tookMs * 100) / 100,
    lastAnswer: last?.answer,
  };
}

function keyOf({ vip, protocol, port }: ServiceKey): ServiceKey {
  return { vip, protocol, port };
}
