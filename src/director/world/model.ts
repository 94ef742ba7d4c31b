// A configuration with what the director looks up again and again.
import type { CulvertConfig } from '../../contract/config/config.ts';
import type { RealConfig } from '../../contract/config/real-contract.ts';
import { type ServiceConfig, serviceShape } from '../../contract/config/service-contract.ts';
import { pickForwarded } from '../../contract/option.ts';
import type { Service, ServiceName } from '../../forwarding/forwarding-table.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import { type Check, checkOf } from '../../health/check-identity.ts';
import { formatIp, type IpAddress } from '../../net/address/ip-address.ts';

/** A configuration with what the director looks up again and again: names, and which check is whose. */
export interface Model {
  readonly config: CulvertConfig;
  readonly services: readonly ModelService[];
  readonly serviceOf: ReadonlyMap<ServiceConfig, ModelService>;
  readonly places: ReadonlyMap<RealId, Place>;
  /** The reals of each check, by its key. */
  readonly placesByCheck: ReadonlyMap<string, readonly Place[]>;
}

/** The place of a real: the index of its service, and its own there. */
export interface Place {
  readonly service: number;
  readonly real: number;
}

export interface ModelService {
  readonly name: ServiceName;
  readonly config: ServiceConfig;
  readonly options: ServiceOptions;
  readonly reals: readonly ModelReal[];
}

/** The options of a service in the table, without its reals. */
export type ServiceOptions = Omit<Service, 'reals'>;

/** `tcp 192.0.2.10:80 10.0.3.2`: names a real over reloads and restarts. */
export type RealId = string;

export interface ModelReal {
  readonly id: RealId;
  readonly service: ServiceConfig;
  readonly config: RealConfig;
  /** The checks; without any the real is always up. */
  readonly checks: readonly Check[];
}

/** @param before A model whose services, where they are the same objects of the configuration, are taken over. */
export function buildModel(config: CulvertConfig, before?: Model): Model {
  const services = config.services.map((service) => before?.serviceOf.get(service) ?? modelService(service));
  const places = new Map<RealId, Place>();
  const placesByCheck = new Map<string, Place[]>();
  for (const [index, { reals }] of services.entries()) {
    for (const [at, real] of reals.entries()) {
      const place = { service: index, real: at };
      places.set(real.id, place);
      addPlace(placesByCheck, real, place);
    }
  }
  const serviceOf = new Map(services.map((service) => [service.config, service]));
  return { config, services, serviceOf, places, placesByCheck };
}

function addPlace(placesByCheck: Map<string, Place[]>, { checks }: ModelReal, place: Place): void {
  for (const { key } of checks) {
    const others = placesByCheck.get(key);
    if (others === undefined) placesByCheck.set(key, [place]);
    else others.push(place);
  }
}

/** Returns for each real in a plane whether it sends to it, or would but for a sorry server that serves instead. */
export function servingReals(
  services: readonly Service[],
  lostQuorums: ReadonlySet<ServiceName>,
): ReadonlyMap<RealId, boolean> {
  const all = services.flatMap((service) => {
    const name = formatServiceName(service);
    const hasLost = lostQuorums.has(name);
    return service.reals.map(({ address, serving }) => [realId(name, address), serving || hasLost] as const);
  });
  return new Map(all);
}

export function realId(service: ServiceName, address: IpAddress): RealId {
  return `${service} ${formatIp(address)}`;
}

function modelService(config: ServiceConfig): ModelService {
  const name = formatServiceName(config);
  const reals = config.reals.map((real) => ({
    id: realId(name, real.address),
    service: config,
    config: real,
    checks: checksOf(config, real),
  }));
  return { name, config, options: optionsOf(config), reals };
}

function checksOf(service: ServiceConfig, { address, checks }: RealConfig): readonly Check[] {
  const all = checks.map((check) => checkOf(service, address, check));
  return [...new Map(all.map((check) => [check.key, check])).values()];
}

/** Returns the options of a service; those that have their defaults are left out. */
function optionsOf(config: ServiceConfig): ServiceOptions {
  const { vip, protocol, port, scheduler, hashOn, tunnel, blackhole } = config;
  const { morePorts, schedulerFlags, persistence, claim } = config;
  return {
    ...pickForwarded(serviceShape, config),
    vip,
    protocol,
    port,
    ...(morePorts.length === 0 ? {} : { morePorts }),
    scheduler,
    ...(schedulerFlags.length === 0 ? {} : { schedulerFlags }),
    hashOn,
    ...(persistence === undefined ? {} : { persistence }),
    tunnel,
    blackhole,
    ...(claim === 'always' ? {} : { claim }),
  };
}
