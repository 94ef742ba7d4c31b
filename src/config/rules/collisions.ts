// Collisions between services: what may be there once, or the same for all.

import { directorShape } from '../../contract/config/director-contract.ts';
import type { ServiceConfig } from '../../contract/config/service-contract.ts';
import { defaultOf } from '../../contract/option.ts';
import type { Claim, TransportProtocol } from '../../forwarding/forwarding-table.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import { formatIp, type IpAddress } from '../../net/address/ip-address.ts';
import type { ConfigIssue, IssuePath } from '../validate/issue.ts';
import { type PartialConfig, type PartialService, WRONG } from './partial-config.ts';

type PlaceOf = (path: IssuePath) => string;

export function serviceCollisions(config: PartialConfig, placeOf: PlaceOf): ConfigIssue[] {
  const { services } = config;
  return [
    ...duplicateServices(services, placeOf),
    ...claimFaults(config, placeOf),
    ...services.flatMap((service) => duplicateReals(service, placeOf)),
    ...vipsAsReals(services, placeOf),
  ];
}

/** Returns true if services that are each valid contradict one another. */
export function areContradictory(services: readonly ServiceConfig[]): boolean {
  const all = services.map(({ vip, protocol, port, morePorts, reals, sorryServer }) => {
    return { vip, protocol, ports: [port, ...morePorts], hosts: hostsOf(reals, sorryServer) };
  });
  return repeatedPorts(all).length > 0 || realsThatAreVips(all).length > 0 || claimAtOdds(services);
}

interface Host {
  readonly address: IpAddress | undefined;
}

/** The parts of a service that another service may contradict. */
interface Claims {
  readonly vip: IpAddress | undefined;
  readonly protocol: TransportProtocol | undefined;
  readonly ports: readonly number[];
}

interface ServicePort<Service> {
  readonly service: Service;
  readonly name: string;
}

function duplicateServices(services: readonly PartialService[], placeOf: PlaceOf): ConfigIssue[] {
  return repeatedPorts(services).map(([again, first]) => {
    if (again.service === first.service) {
      const message = `${again.name} is listed twice; allowed: each port only once`;
      return { path: [...again.service.path, 'port'], message };
    }
    const place = placeOf(first.service.path);
    return {
      path: [...again.service.path, 'vip'],
      message: `duplicate service ${again.name}, first in ${place}; allowed: one service for each VIP, protocol and port`,
    };
  });
}

function repeatedPorts<Service extends Claims>(
  services: readonly Service[],
): [ServicePort<Service>, ServicePort<Service>][] {
  const all = services.flatMap((service) => {
    const { vip, protocol } = service;
    if (vip === undefined || protocol === undefined) return [];
    return service.ports.map((port): ServicePort<Service> => {
      const name = formatServiceName({ vip, protocol, port });
      return { service, name };
    });
  });
  return repeated(all, ({ name }) => name);
}

/** A VIP is claimed or not, whatever its services are. */
function claimFaults({ director, services }: PartialConfig, placeOf: PlaceOf): ConfigIssue[] {
  const { claim: general = defaultOf(directorShape.claim) } = director ?? {};
  const first = new Map<IpAddress, { readonly claim: Claim; readonly path: IssuePath }>();
  return services.flatMap(({ options, path, vip }) => {
    const { claim = general } = options;
    if (vip === undefined || claim === WRONG) return [];
    const known = first.get(vip);
    if (known === undefined) first.set(vip, { claim, path });
    if (known === undefined || known.claim === claim) return [];
    const message = `found claim ${claim}, but ${known.claim} for the same VIP in ${placeOf(known.path)}; allowed: the same for all services of a VIP`;
    return [{ path: [...path, options.claim === undefined ? 'vip' : 'claim'], message }];
  });
}

function claimAtOdds(services: readonly ServiceConfig[]): boolean {
  const claims = new Map(services.map(({ vip, claim }) => [vip, claim]));
  return services.some(({ vip, claim }) => claims.get(vip) !== claim);
}

function duplicateReals(service: PartialService, placeOf: PlaceOf): ConfigIssue[] {
  const known = service.reals.filter(({ address }) => address !== undefined);
  return repeated(known, ({ address }) => address).map(([again, first]) => ({
    path: [...again.path, 'address'],
    message: `real ${String(again.options.address)} is listed twice, first in ${placeOf([...first.path, 'address'])}; allowed: once in each service`,
  }));
}

function vipsAsReals(services: readonly PartialService[], placeOf: PlaceOf): ConfigIssue[] {
  const all = services.map((service) => ({
    ...service,
    hosts: hostsOf(service.reals, service.sorryServer),
  }));
  return realsThatAreVips(all).map(({ host, address, owner }) => {
    const place = `the VIP of ${placeOf([...owner.path, 'vip'])}`;
    const message = `found ${formatIp(address)}, ${place}; allowed: the real's own address`;
    return { path: [...host.path, 'address'], message };
  });
}

function hostsOf<Real, Sorry>(reals: readonly Real[], sorry: Sorry | undefined): readonly (Real | Sorry)[] {
  return sorry === undefined ? reals : [...reals, sorry];
}

function realsThatAreVips<Service extends Pick<Claims, 'vip'> & { readonly hosts: readonly Host[] }>(
  services: readonly Service[],
): { host: Service['hosts'][number]; address: IpAddress; owner: Service }[] {
  const vips = new Map<IpAddress | undefined, Service>();
  for (const service of services) {
    const { vip } = service;
    if (vip !== undefined && !vips.has(vip)) vips.set(vip, service);
  }
  return services.flatMap(({ hosts }) =>
    hosts.flatMap((host) => {
      const { address } = host;
      const owner = vips.get(address);
      return owner === undefined || address === undefined ? [] : [{ host, address, owner }];
    }),
  );
}

/** Pairs of each repetition with the first of its name. */
function repeated<Item>(all: readonly Item[], nameOf: (item: Item) => unknown): [Item, Item][] {
  const firsts = new Map<unknown, Item>();
  const pairs: [Item, Item][] = [];
  for (const item of all) {
    const first = firsts.get(nameOf(item));
    if (first === undefined) firsts.set(nameOf(item), item);
    else pairs.push([item, first]);
  }
  return pairs;
}
