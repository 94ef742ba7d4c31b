import { isIP } from 'node:net';
import { type Ipv4Address, parseIpv4 } from '../net/ipv4-address.ts';
import { optionFaults, type RawCheck, wholeCheckFaults } from './check-contradictions.ts';
import type { ConfigIssue, IssuePath } from './issue.ts';

/**
 * What is wrong between values that are each allowed. It reads the plain YAML values, and passes over those that are
 * not even of the right type, so that these faults are reported together with the schema's.
 */
export function findContradictions(config: unknown, lineOf: (path: IssuePath) => number): ConfigIssue[] {
  const services = servicesOf(config);
  return [
    ...missingInterface(config),
    ...services.flatMap(familyFaults),
    ...duplicateServices(services, lineOf),
    ...services.flatMap((service) => duplicateReals(service, lineOf)),
    ...vipsAsReals(services, lineOf),
    ...checksFaults(config, services),
  ];
}

interface RawService {
  readonly path: IssuePath;
  readonly vip: string;
  readonly protocol: string;
  /** 0 when it is no number. */
  readonly port: number;
  readonly check: RawCheck;
  readonly reals: readonly RawReal[];
}

interface RawReal {
  readonly path: IssuePath;
  readonly address: string;
  readonly check: RawCheck;
}

function servicesOf(config: unknown): RawService[] {
  return items(field(config, 'services')).map((service, index) => ({
    path: ['services', index],
    vip: text(field(service, 'vip')),
    protocol: text(field(service, 'protocol') ?? 'tcp'),
    port: wholeNumber(field(service, 'port')),
    check: { path: ['services', index, 'check'], value: field(service, 'check') },
    reals: items(field(service, 'reals')).map((real, position) => ({
      path: ['services', index, 'reals', position, 'address'],
      address: text(field(real, 'address')),
      check: {
        path: ['services', index, 'reals', position, 'check'],
        value: field(real, 'check'),
      },
    })),
  }));
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function wholeNumber(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) ? value : 0;
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function missingInterface(config: unknown): ConfigIssue[] {
  const director = field(config, 'director');
  if (typeof director !== 'object' || director === null || Array.isArray(director)) return [];
  if (Object.hasOwn(director, 'interface') || field(director, 'plane') === 'simulated') return [];
  return [
    {
      path: ['director'],
      message: 'interface is missing; allowed: the name of the network interface that VIP traffic reaches',
    },
  ];
}

const NO_IPV6 = 'IPv6 is not supported by this version yet; allowed: an IPv4 address';

function familyFaults(service: RawService): ConfigIssue[] {
  const vipFamily = isIP(service.vip);
  const vipFault = { path: [...service.path, 'vip'], message: `found '${service.vip}': ${NO_IPV6}` };
  const realFaults = service.reals.flatMap(({ path, address }) => {
    const family = isIP(address);
    if (family !== 0 && vipFamily !== 0 && family !== vipFamily) {
      const mixed = `mixed address families: '${address}' is IPv${family}, the VIP ${service.vip} is IPv${vipFamily}`;
      return [{ path, message: `${mixed}; ${NO_IPV6}` }];
    }
    return family === 6 ? [{ path, message: `found '${address}': ${NO_IPV6}` }] : [];
  });
  return vipFamily === 6 ? [vipFault, ...realFaults] : realFaults;
}

function duplicateServices(
  services: readonly RawService[],
  lineOf: (path: IssuePath) => number,
): ConfigIssue[] {
  const complete = services.filter(({ vip, port }) => parseIpv4(vip) !== undefined && port !== 0);
  const name = (service: RawService): string => `${service.protocol} ${service.vip}:${service.port}`;
  return repeated(complete, name).map(([again, first]) => ({
    path: [...again.path, 'vip'],
    message: `duplicate service ${name(again)}, first in line ${lineOf(first.path)}; allowed: one service for each VIP, protocol and port`,
  }));
}

function duplicateReals(service: RawService, lineOf: (path: IssuePath) => number): ConfigIssue[] {
  const known = service.reals.filter((real) => parseIpv4(real.address) !== undefined);
  return repeated(known, (real) => real.address).map(([again, first]) => ({
    path: again.path,
    message: `real ${again.address} is listed twice, first in line ${lineOf(first.path)}; allowed: once in each service`,
  }));
}

/** Equal to no VIP. */
const NO_ADDRESS = -1 as Ipv4Address;

function vipsAsReals(services: readonly RawService[], lineOf: (path: IssuePath) => number): ConfigIssue[] {
  const vips = new Map<Ipv4Address, RawService>();
  for (const service of services) {
    const vip = parseIpv4(service.vip);
    if (vip !== undefined && !vips.has(vip)) vips.set(vip, service);
  }
  return services.flatMap((service) =>
    service.reals.flatMap((real) => {
      const owner = vips.get(parseIpv4(real.address) ?? NO_ADDRESS);
      if (owner === undefined) return [];
      const place = `the VIP of line ${lineOf([...owner.path, 'vip'])}`;
      return [
        { path: real.path, message: `found ${real.address}, ${place}; allowed: the real's own address` },
      ];
    }),
  );
}

function checksFaults(config: unknown, services: readonly RawService[]): ConfigIssue[] {
  const plane = field(field(config, 'director'), 'plane') === 'simulated' ? 'simulated' : 'xdp';
  const defaults = { path: ['defaults', 'check'], value: field(field(config, 'defaults'), 'check') };
  return [
    ...optionFaults(defaults, []),
    ...services.flatMap(({ check, reals, protocol }) => [
      ...optionFaults(check, [defaults]),
      ...reals.flatMap((real) => {
        const levels = [defaults, check, real.check];
        // The defaults alone do not have a UDP service checked.
        const asked = protocol !== 'udp' || check.value !== undefined || real.check.value !== undefined;
        return [
          ...optionFaults(real.check, [defaults, check]),
          ...(asked ? wholeCheckFaults(levels, plane) : []),
        ];
      }),
    ]),
  ];
}

/** Pairs of each repetition with the first of its name. */
function repeated<Item>(all: readonly Item[], nameOf: (item: Item) => string): [Item, Item][] {
  const firsts = new Map<string, Item>();
  const pairs: [Item, Item][] = [];
  for (const item of all) {
    const first = firsts.get(nameOf(item));
    if (first === undefined) firsts.set(nameOf(item), item);
    else pairs.push([item, first]);
  }
  return pairs;
}
