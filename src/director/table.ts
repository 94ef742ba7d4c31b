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
  const { timeouts } = input.model.config.director;
  const unchanged =
    previous?.hashKey === input.hashKey &&
    previous.timeouts === timeouts &&
    previous.services.length === services.length &&
    services.every((service, index) => service === previous.services[index]);
  return unchanged ? previous : { hashKey: input.hashKey, timeouts, services };
}

function computeService(service: ModelService, input: TableInput, previous: Service | undefined): Service {
  const reals = service.reals.map((real, index) => computeReal(real, input, previous?.reals[index]));
  const { vip, protocol, port, scheduler, hashOn, tunnel, blackhole } = service.config;
  const unchanged =
    previous !== undefined &&
    previous.scheduler === scheduler &&
    previous.hashOn === hashOn &&
    previous.tunnel.type === tunnel.type &&
    previous.blackhole.policy === blackhole.policy &&
    previous.blackhole.after === blackhole.after &&
    previous.reals.length === reals.length &&
    reals.every((real, index) => real === previous.reals[index]);
  return unchanged ? previous : { vip, protocol, port, scheduler, hashOn, tunnel, blackhole, reals };
}

function computeReal(real: ModelReal, input: TableInput, previous: Real | undefined): Real {
  const { address } = real.config;
  const health = input.healthOf(real);
  const weight = input.overrides.get(real.id) ?? weightBy(health?.weight, real.config.weight);
  const serving = health?.up !== false;
  return previous?.address === address && previous.weight === weight && previous.serving === serving
    ? previous
    : { address, weight, serving };
}
