// Contradictions between values of a configuration that are each allowed.
import type { ServiceConfig } from '../../contract/config/service-contract.ts';
import type { TransportProtocol } from '../../forwarding/forwarding-table.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import { formatIp, type IpAddress } from '../../net/address/ip-address.ts';
import type { ConfigIssue, IssuePath } from '../validate/issue.ts';
import { levelFaults, wholeCheckFaults } from './check-contradictions.ts';
import { commandFaults } from './command-contradictions.ts';
import { field, type RawChecks, type RawService, rawChecks, rawServices } from './raw-config.ts';
import { defaultFlagFaults, serviceFaults } from './service-contradictions.ts';
import { tunnelFaults } from './tunnel-contradictions.ts';

type PlaceOf = (path: IssuePath) => string;

/**
 * Finds faults between values that are each allowed. Reads the plain YAML values and skips those that are not even of the right
 * type, so that these faults are reported together with the schema's.
 */
export function findContradictions(config: unknown, placeOf: PlaceOf): ConfigIssue[] {
  const services = rawServices(config);
  const defaults = field(config, 'defaults');
  return [
    ...interfaceFaults(config),
    ...listenFaults(config),
    ...tunnelFaults(['defaults', 'tunnel'], field(defaults, 'tunnel')),
    ...defaultFlagFaults(defaults),
    ...commandFaults(['defaults'], defaults),
    ...services.flatMap((service) => serviceFaults(service, defaults)),
    ...duplicateServices(services, placeOf),
    ...claimFaults(config, services, placeOf),
    ...services.flatMap((service) => duplicateReals(service, placeOf)),
    ...vipsAsReals(services, placeOf),
    ...checksFaults(config, services),
  ];
}

function interfaceFaults(config: unknown): ConfigIssue[] {
  const director = field(config, 'director');
  if (typeof director !== 'object' || director === null || Array.isArray(director)) return [];
  const [one, several] = [Object.hasOwn(director, 'interface'), Object.hasOwn(director, 'interfaces')];
  if (one && several) {
    const message = 'found interfaces next to interface; allowed: only one of them';
    return [{ path: ['director', 'interfaces'], atKey: true, message }];
  }
  if (one || several || field(director, 'plane') === 'simulated') return [];
  const message =
    'interface is missing; allowed: the name of the network interface that VIP traffic reaches, or interfaces with a list of them';
  return [{ path: ['director'], message }];
}

function listenFaults(config: unknown): ConfigIssue[] {
  const director = field(config, 'director');
  const [listen, metrics] = [field(director, 'listen'), field(director, 'metricsListen')].map(endpointOf);
  if (metrics === undefined || listen !== metrics) return [];
  const message = `found ${metrics}, which director.listen already uses; allowed: another address or port`;
  return [{ path: ['director', 'metricsListen'], message }];
}

/** Returns the endpoint; undefined where it is neither a text nor a mapping with both parts. */
function endpointOf(listen: unknown): string | undefined {
  if (typeof listen === 'string') return listen;
  const [address, port] = [field(listen, 'address'), field(listen, 'port')];
  if (typeof address !== 'string' || typeof port !== 'number') return undefined;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Returns true if services that are each valid contradict one another. */
export function areContradictory(services: readonly ServiceConfig[]): boolean {
  const all = services.map(({ vip, protocol, port, morePorts, reals, sorryServer }) => {
    return { vipAddress: vip, protocol, ports: [port, ...morePorts], hosts: hostsOf(reals, sorryServer) };
  });
  return repeatedPorts(all).length > 0 || realsThatAreVips(all).length > 0 || claimAtOdds(services);
}

interface Host {
  readonly address: IpAddress | undefined;
}

/** The parts of a service that another service may contradict. */
interface Claims {
  readonly vipAddress: IpAddress | undefined;
  readonly protocol: string;
  readonly ports: readonly number[];
}

interface ServicePort<Service> {
  readonly service: Service;
  readonly name: string;
}

function duplicateServices(services: readonly RawService[], placeOf: PlaceOf): ConfigIssue[] {
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
    const { vipAddress: vip, protocol } = service;
    if (vip === undefined) return [];
    return service.ports.map((port): ServicePort<Service> => {
      const name = formatServiceName({ vip, protocol: protocol as TransportProtocol, port });
      return { service, name };
    });
  });
  return repeated(all, ({ name }) => name);
}

/** A VIP is claimed or not, whatever its services are. */
function claimFaults(config: unknown, services: readonly RawService[], placeOf: PlaceOf): ConfigIssue[] {
  const general = claimOf(field(config, 'director')) ?? 'always';
  const first = new Map<IpAddress, { readonly claim: string; readonly path: IssuePath }>();
  return services.flatMap(({ value, path, vipAddress }) => {
    if (vipAddress === undefined) return [];
    const claim = claimOf(value) ?? general;
    const known = first.get(vipAddress);
    if (known === undefined) first.set(vipAddress, { claim, path });
    if (known === undefined || known.claim === claim) return [];
    const message = `found claim ${claim}, but ${known.claim} for the same VIP in ${placeOf(known.path)}; allowed: the same for all services of a VIP`;
    return [{ path: [...path, claimOf(value) === undefined ? 'vip' : 'claim'], message }];
  });
}

function claimOf(value: unknown): string | undefined {
  const claim = field(value, 'claim');
  return typeof claim === 'string' ? claim : undefined;
}

function claimAtOdds(services: readonly ServiceConfig[]): boolean {
  const claims = new Map(services.map(({ vip, claim }) => [vip, claim]));
  return services.some(({ vip, claim }) => claims.get(vip) !== claim);
}

function duplicateReals(service: RawService, placeOf: PlaceOf): ConfigIssue[] {
  const known = service.reals.filter(({ address }) => address !== undefined);
  return repeated(known, ({ address }) => address).map(([again, first]) => ({
    path: [...again.path, 'address'],
    message: `real ${again.text} is listed twice, first in ${placeOf([...first.path, 'address'])}; allowed: once in each service`,
  }));
}

function vipsAsReals(services: readonly RawService[], placeOf: PlaceOf): ConfigIssue[] {
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

function realsThatAreVips<Service extends Pick<Claims, 'vipAddress'> & { readonly hosts: readonly Host[] }>(
  services: readonly Service[],
): { host: Service['hosts'][number]; address: IpAddress; owner: Service }[] {
  const vips = new Map<IpAddress | undefined, Service>();
  for (const service of services) {
    const { vipAddress: vip } = service;
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

function checksFaults(config: unknown, services: readonly RawService[]): ConfigIssue[] {
  const plane = field(field(config, 'director'), 'plane') === 'simulated' ? 'simulated' : 'xdp';
  const defaults = rawChecks(field(config, 'defaults'), ['defaults']);
  return [
    ...levelFaults(defaults, []),
    ...services.flatMap(({ path, checks, reals, protocol, ports }) => [
      ...levelFaults(checks, [defaults]),
      ...reals.flatMap((real) => {
        const levels = [defaults, checks, real.checks];
        // The defaults alone do not have a service checked that speaks no TCP.
        const asked = protocol === 'tcp' || saysSomething(checks) || saysSomething(real.checks);
        return [
          ...levelFaults(real.checks, [defaults, checks]),
          ...(asked ? wholeCheckFaults(levels, { path, plane, allPorts: ports[0] === 0 }, real.address) : []),
        ];
      }),
    ]),
  ];
}

function saysSomething({ check, checks }: RawChecks): boolean {
  return check !== undefined || checks !== undefined;
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
