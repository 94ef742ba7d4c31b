// All that a director knows, as one immutable value.
import type { LoadedConfig } from '../../config/load/loaded-config.ts';
import type { CheckType } from '../../contract/checks/probe-config.ts';
import type { ForwardingTable, Service, ServiceName } from '../../forwarding/forwarding-table.ts';
import type { CheckState, KnownHealth } from '../../health/check-state.ts';
import type { RealHealth } from '../../health/real-health.ts';
import type { LocalShortage } from '../../local-shortage.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import { buildModel, type Model, type ModelReal, type ModelService, type RealId } from './model.ts';
import type { QuorumState } from './quorum.ts';

/**
 * All that a director knows, and the table that follows from it. `services` and their reals are in the order of the model. A step
 * copies only what it changes, so that services that did not change are the same objects. All times are milliseconds since 1970.
 */
export interface World {
  readonly hashKey: Uint8Array;
  readonly running: Running;
  readonly model: Model;
  readonly services: readonly ServiceWorld[];
  /** The changes that operators made to reals; also to reals that a configuration on trial does not have. */
  readonly byHand: ReadonlyMap<RealId, Handling>;
  /** Failed reals that a configuration on trial does not have: they may come back with the former one. */
  readonly gone: ReadonlyMap<RealId, KnownHealth>;
  /** The shortages of the director's machine that prevent checks, by their codes. */
  readonly shortages: ReadonlyMap<string, Shortage>;
  /** Attempts of checks that this machine could not make, since the start. */
  readonly unmadeAttempts: number;
  /** The reals whose next hop the plane does not know. */
  readonly withoutWay: ReadonlyMap<IpAddress, WithoutWay>;
  /** The table that all this amounts to. What a step did not change in it is the same object. */
  readonly table: ForwardingTable;
}

/** The configuration in force, and those that may replace it without being read again. */
export interface Running {
  /** The configuration of the file, as it was read last. */
  readonly file: LoadedConfig;
  /** The one in force. */
  readonly current: LoadedConfig;
  readonly trial: Trial | undefined;
}

/** A configuration that is rolled back unless it is confirmed. */
export interface Trial {
  /** The last configuration that needed no confirmation. */
  readonly before: LoadedConfig;
  readonly deadlineMs: number;
}

export interface ServiceWorld {
  readonly service: ModelService;
  readonly reals: readonly RealWorld[];
  /** The weight of the reals that are up. */
  readonly weight: number;
  readonly quorum: QuorumState;
  /** Its entry in the table. */
  readonly entry: Service;
}

export interface RealWorld {
  readonly real: ModelReal;
  /** In the order of `real.checks`. */
  readonly checks: readonly CheckWorld[];
  /** The health by all checks; undefined if there are none. */
  readonly health: RealHealth | undefined;
}

/** A check of a real. Reals that share a check each have its state. */
export interface CheckWorld {
  readonly key: string;
  readonly type: CheckType;
  readonly state: FoundHealth;
  /** The code of the shortage for which the last attempt could not be made. */
  readonly shortage: string | undefined;
}

/** The state of a check, without its schedule. */
export type FoundHealth = Omit<CheckState, 'dueMs'>;

/** The changes that an operator made to one real. A weight and a drain are two things: a drained real has its weight again when the drain is over. */
export interface Handling {
  /** The weight that holds instead of the configured one. */
  readonly weight: number | undefined;
  /** True: it gets no new flows, whatever it weighs. */
  readonly drained: boolean;
}

export const UNHANDLED: Handling = { weight: undefined, drained: false };

export interface Shortage {
  readonly shortage: LocalShortage;
  readonly sinceMs: number;
  /** The checks whose last attempt could not be made for it. */
  readonly checks: number;
  /** The time since which there are no such checks. */
  readonly quietSinceMs: number | undefined;
}

export interface WithoutWay {
  readonly sinceMs: number;
  /** The reason, in the words of the plane. */
  readonly detail: string;
}

/** Returns a world in which nothing is forwarded yet. */
export function emptyWorld(hashKey: Uint8Array, running: Running): World {
  const { config } = running.current;
  const model = buildModel({ ...config, services: [] });
  const { timeouts, expireNodestConn, expireQuiescentTemplate, sloppyTcp } = config.director;
  return {
    hashKey,
    running,
    model,
    services: [],
    byHand: new Map(),
    gone: new Map(),
    shortages: new Map(),
    unmadeAttempts: 0,
    withoutWay: new Map(),
    table: { hashKey, timeouts, expireNodestConn, expireQuiescentTemplate, sloppyTcp, services: [] },
  };
}

export function handlingOf({ byHand }: Pick<World, 'byHand'>, id: RealId): Handling {
  return byHand.get(id) ?? UNHANDLED;
}

/** Returns a real of the present model; undefined if there is none of this name. */
export function realOf({ model, services }: World, id: RealId): RealWorld | undefined {
  const place = model.places.get(id);
  return place && services[place.service]?.reals[place.real];
}

/** Returns a check by its key; undefined if no real of the present model has it. */
export function checkOf({ model, services }: World, key: string): CheckWorld | undefined {
  const place = model.placesByCheck.get(key)?.[0];
  const real = place && services[place.service]?.reals[place.real];
  return real?.checks.find((check) => check.key === key);
}

export function allReals({ services }: Pick<World, 'services'>): readonly RealWorld[] {
  return services.flatMap(({ reals }) => reals);
}

export function serviceNames({ services }: Pick<World, 'services'>): ReadonlySet<ServiceName> {
  return new Set(services.map(({ service }) => service.name));
}
