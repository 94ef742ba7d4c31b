import { isDeepStrictEqual } from 'node:util';
import type { RealConfig } from '../config/config.ts';
import { formatServiceName } from '../forwarding/service-name.ts';
import type { ForwardingTable, Real, Service } from '../forwarding/table.ts';
import type { RealHealth } from '../health/real-health.ts';
import { weightBy } from '../health/weight-effect.ts';
import type { Model, ModelReal, ModelService, RealId, ServiceOptions } from './model.ts';

export interface TableInput {
  readonly model: Model;
  readonly hashKey: Uint8Array;
  /** Weights that hold instead of the configured ones. */
  readonly overrides: ReadonlyMap<RealId, number>;
  /** Undefined: unchecked. */
  readonly healthOf: (real: ModelReal) => RealHealth | undefined;
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
  const { options } = service;
  const unchanged =
    previous !== undefined &&
    previous.reals.length === reals.length &&
    reals.every((real, index) => real === previous.reals[index]) &&
    OPTIONS.every((name) => isSame(previous[name], options[name]));
  return unchanged ? previous : { ...options, reals };
}

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
] as const satisfies readonly (keyof ServiceOptions)[];

/** Most are the same object, as long as no other configuration was read. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || isDeepStrictEqual(a, b);
}

function computeReal(real: ModelReal, input: TableInput, previous: Real | undefined): Real {
  const health = input.healthOf(real);
  const weight = input.overrides.get(real.id) ?? weightBy(health?.weights ?? [], real.config.weight);
  const serving = health?.up !== false;
  // Most of thousands are as they were: nothing is made before that is known.
  if (previous?.weight === weight && previous.serving === serving && isConfigured(previous, real.config)) {
    return previous;
  }
  const { address, tunnel, upperThreshold, lowerThreshold } = real.config;
  return {
    address,
    weight,
    serving,
    ...(tunnel === undefined ? {} : { tunnel }),
    ...(upperThreshold === 0 ? {} : { upperThreshold }),
    ...(lowerThreshold === 0 ? {} : { lowerThreshold }),
  };
}

function isConfigured(real: Real, config: RealConfig): boolean {
  return (
    real.address === config.address &&
    (real.upperThreshold ?? 0) === config.upperThreshold &&
    (real.lowerThreshold ?? 0) === config.lowerThreshold &&
    isSame(real.tunnel, config.tunnel)
  );
}
