import { isDeepStrictEqual } from 'node:util';
import type { ServiceConfig } from '../config/config.ts';
import { formatServiceName } from '../forwarding/service-name.ts';
import type { ForwardingTable, Real, Service } from '../forwarding/table.ts';
import type { KnownHealth } from '../health/check-state.ts';
import { weightBy } from '../health/weight-effect.ts';
import type { Model, ModelReal, ModelService, RealId } from './model.ts';

export interface TableInput {
  readonly model: Model;
  readonly hashKey: Uint8Array;
  /** Weights that hold instead of the configured ones. */
  readonly overrides: ReadonlyMap<RealId, number>;
  /** Undefined: unchecked. */
  readonly healthOf: (real: ModelReal) => KnownHealth | undefined;
}

/**
 * The table that configuration, overrides and health come to. What is as in `previous` is the same object, services
 * and the table itself, so that a plane can tell without comparing what a small change leaves alone.
 */
export function computeTable(input: TableInput, previous?: ForwardingTable): ForwardingTable {
  const before = new Map(previous?.services.map((service) => [formatServiceName(service), service]));
  const services = input.model.services.map((service) =>
    computeService(service, input, before.get(service.name)),
  );
  const { timeouts, expireNodestConn } = input.model.config.director;
  const unchanged =
    previous?.hashKey === input.hashKey &&
    isSame(previous.timeouts, timeouts) &&
    previous.expireNodestConn === expireNodestConn &&
    previous.services.length === services.length &&
    services.every((service, index) => service === previous.services[index]);
  return unchanged ? previous : { hashKey: input.hashKey, timeouts, expireNodestConn, services };
}

function computeService(service: ModelService, input: TableInput, previous: Service | undefined): Service {
  const reals = service.reals.map((real, index) => computeReal(real, input, previous?.reals[index]));
  const options = optionsOf(service.config);
  const unchanged =
    previous !== undefined &&
    previous.reals.length === reals.length &&
    reals.every((real, index) => real === previous.reals[index]) &&
    OPTIONS.every((name) => isSame(previous[name], options[name]));
  return unchanged ? previous : { ...options, reals };
}

type Options = Omit<Service, 'reals'>;

const OPTIONS = [
  'vip',
  'protocol',
  'port',
  'morePorts',
  'scheduler',
  'schedulerFlags',
  'hashOn',
  'onePacket',
  'persistence',
  'tunnel',
  'blackhole',
] as const satisfies readonly (keyof Options)[];

/** Most are the same object, as long as no other configuration was read. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || isDeepStrictEqual(a, b);
}

/** What is left out is as it is by default. */
function optionsOf(config: ServiceConfig): Options {
  const { vip, protocol, port, scheduler, hashOn, tunnel, blackhole } = config;
  const { morePorts, schedulerFlags, onePacket, persistence } = config;
  return {
    vip,
    protocol,
    port,
    ...(morePorts.length === 0 ? {} : { morePorts }),
    scheduler,
    ...(schedulerFlags.length === 0 ? {} : { schedulerFlags }),
    hashOn,
    ...(onePacket ? { onePacket } : {}),
    ...(persistence === undefined ? {} : { persistence }),
    tunnel,
    blackhole,
  };
}

function computeReal(real: ModelReal, input: TableInput, previous: Real | undefined): Real {
  const { address, tunnel, upperThreshold, lowerThreshold } = real.config;
  const health = input.healthOf(real);
  const next: Real = {
    address,
    weight: input.overrides.get(real.id) ?? weightBy(health?.weight, real.config.weight),
    serving: health?.up !== false,
    ...(tunnel === undefined ? {} : { tunnel }),
    ...(upperThreshold === 0 ? {} : { upperThreshold }),
    ...(lowerThreshold === 0 ? {} : { lowerThreshold }),
  };
  return previous !== undefined && isSameReal(previous, next) ? previous : next;
}

function isSameReal(a: Real, b: Real): boolean {
  return (
    a.weight === b.weight &&
    a.serving === b.serving &&
    a.upperThreshold === b.upperThreshold &&
    a.lowerThreshold === b.lowerThreshold &&
    a.address === b.address &&
    isSame(a.tunnel, b.tunnel)
  );
}
