import {
  type Claim,
  DEFAULT_TIMEOUTS,
  type ForwardingTable,
  type Persistence,
  type Real,
  type Service,
  type Tunnel,
} from '../../src/forwarding/forwarding-table.ts';
import type { ForwardingImage } from '../../src/forwarding/image/forwarding-image.ts';
import { SCHEDULER_NAMES } from '../../src/forwarding/scheduler-names.ts';
import { familyOf, type IpAddress, ip, isIpv6 } from '../../src/net/address/ip-address.ts';
import { INGRESS_IF_INDEX } from './loaded-director.ts';
import type { Random } from './random.ts';

export const VIPS: readonly IpAddress[] = [
  '192.0.2.10',
  '192.0.2.11',
  '203.0.113.1',
  '2001:db8:f::10',
  '2001:db8:f::11',
].map(ip);
/** No service has them. */
export const NOT_VIPS: readonly IpAddress[] = ['10.0.0.2', '2001:db8:d::2'].map(ip);
/** Which the director may have, and those of some clients. */
export const HOSTS: readonly IpAddress[] = [
  ...NOT_VIPS,
  '192.0.2.255',
  '198.51.100.5',
  '198.51.100.30',
  'fe80::1',
  '2001:db8:c:5::',
  '2001:db8:c:2::3',
].map((address) => (typeof address === 'string' ? ip(address) : address));
export const PORTS = [53, 80, 443, 8080] as const;
const PROTOCOLS = ['tcp', 'tcp', 'tcp', 'tcp', 'tcp', 'tcp', 'udp', 'udp', 'udp', 'sctp'] as const;
const USUAL_SCHEDULERS = ['mh', 'mh', 'mh', 'rr', 'wrr'] as const;
const FLAGS = ['sh-port', 'sh-fallback'] as const;
const DIRECTORS = { 4: ip('10.0.0.2'), 6: ip('2001:db8:d::2') } as const;
const REALS: readonly IpAddress[] = [
  '10.1.0.2',
  '10.1.0.3',
  '10.1.0.4',
  '2001:db8:1::2',
  '2001:db8:1::3',
  '2001:db8:1::4',
].map(ip);
const TUNNELS: readonly Tunnel[] = [
  { type: 'ipip' },
  { type: 'ipip' },
  { type: 'gre', checksum: 'none' },
  { type: 'gue', checksum: 'none', port: 6080 },
  { type: 'gue', checksum: 'none', port: 5555 },
];
/** The slow path's. */
const CHECKSUM_TUNNELS: readonly Tunnel[] = [
  { type: 'gre', checksum: 'full' },
  { type: 'gue', checksum: 'full', port: 6080 },
  { type: 'gue', checksum: 'remote', port: 6080 },
];
const CLAIMS: readonly Claim[] = ['always', 'always', 'host', 'never'];
const OTHER_IF_INDEX = 7;
const MTUS = [1500, 1500, 1500, 1500, 1500, 1500, 1480, 1480, 1280, 576, 120] as const;

export function randomTable(random: Random): ForwardingTable {
  const services: Service[] = [];
  for (let wanted = random.between(1, 5); wanted > 0; wanted--) {
    const service = randomService(random, random.pick(VIPS));
    if (!services.some((other) => collide(service, other))) services.push(service);
  }
  return {
    hashKey: random.bytes(16),
    timeouts: DEFAULT_TIMEOUTS,
    services: withClaims(random, services),
    ...(random.chance(0.2) && { expireNodestConn: false }),
    ...(random.chance(0.2) && { expireQuiescentTemplate: true }),
    ...(random.chance(0.2) && { sloppyTcp: true }),
  };
}

/** The table after an operator, a health check or both had their way with it. */
export function changedTable(random: Random, table: ForwardingTable): ForwardingTable {
  const services = table.services.map((service) => {
    if (random.chance(0.3)) return service;
    const kept = service.reals.filter(() => random.chance(0.85));
    const reals = kept.map((real) =>
      random.chance(0.4) ? { ...randomReal(random), address: real.address } : real,
    );
    if (random.chance(0.4)) addReal(random, reals);
    return { ...service, reals };
  });
  const fewer = services.length > 1 && random.chance(0.1) ? services.slice(1) : services;
  return { ...table, services: random.chance(0.1) ? withClaims(random, fewer) : fewer };
}

/** What the director's own addresses are, for a while. */
export function randomHostAddresses(random: Random): ReadonlySet<IpAddress> {
  return new Set(HOSTS.filter(() => random.chance(0.5)));
}

/** The same for all services of a VIP. */
function withClaims(random: Random, services: readonly Service[]): Service[] {
  const claims = new Map(services.map(({ vip }) => [vip, random.pick(CLAIMS)]));
  return services.map((service) => ({ ...service, claim: claims.get(service.vip) ?? 'always' }));
}

/** Paths for reals that have none yet, and now and then another one. The same for both images. */
export function randomPaths(random: Random, images: readonly ForwardingImage[]): void {
  const [first, ...others] = images;
  for (const { index, ifIndex, address } of first?.reals() ?? []) {
    if (ifIndex !== 0 && random.chance(0.8)) continue;
    if (random.chance(0.05)) {
      const local = { sourceAddress: undefined, mtuBytes: 0xffff, resolved: undefined, local: true };
      for (const image of images) image.setPath(index, local);
      continue;
    }
    const path = {
      sourceAddress: DIRECTORS[familyOf(address)],
      mtuBytes: random.pick(MTUS),
      resolved: random.chance(0.95)
        ? {
            nextHopMac: random.bytes(6),
            sourceMac: random.bytes(6),
            ifIndex: random.chance(0.7) ? INGRESS_IF_INDEX : OTHER_IF_INDEX,
            vlan: random.chance(0.7) ? undefined : random.between(1, 4094),
          }
        : undefined,
    };
    for (const image of [first as ForwardingImage, ...others]) image.setPath(index, path);
  }
}

function collide(a: Service, b: Service): boolean {
  const ports = new Set(portsOf(a));
  return a.vip === b.vip && a.protocol === b.protocol && portsOf(b).some((port) => ports.has(port));
}

function portsOf({ port, morePorts = [] }: Service): readonly number[] {
  return [port, ...morePorts];
}

function randomService(random: Random, vip: IpAddress): Service {
  const reals: Real[] = [];
  for (let wanted = random.pick([0, 1, 2, 3, 3, 4, 5, 5]); wanted > 0; wanted--) addReal(random, reals);
  const [port, ...otherPorts] = random.chance(0.5) ? PORTS : PORTS.toReversed();
  const protocol = random.pick(PROTOCOLS);
  const scheduler = random.pick(random.chance(0.7) ? USUAL_SCHEDULERS : SCHEDULER_NAMES);
  return {
    vip,
    port: random.chance(0.08) ? 0 : random.chance(0.5) ? port : random.pick(PORTS),
    protocol,
    scheduler,
    hashOn: random.chance(0.7) ? 'flow' : 'source',
    tunnel: randomTunnel(random),
    blackhole: { policy: random.chance(0.7) ? 'cure' : 'refuse', after: random.between(1, 3) },
    reals,
    ...(scheduler === 'sh' && { schedulerFlags: FLAGS.filter(() => random.chance(0.5)) }),
    ...(protocol === 'udp' && random.chance(0.25) && { onePacket: true }),
    ...(random.chance(0.1) && { persistence: randomPersistence(random, vip) }),
    ...(random.chance(0.1) && { morePorts: [random.pick(otherPorts)] }),
  };
}

function randomPersistence(random: Random, vip: IpAddress): Persistence {
  return {
    timeoutMs: random.pick([1000, 60_000, 300_000]),
    prefixLength: random.pick(isIpv6(vip) ? [128, 64] : [32, 29]),
  };
}

function addReal(random: Random, reals: Real[]): void {
  const real = randomReal(random);
  if (!reals.some(({ address }) => address === real.address)) reals.push(real);
}

function randomReal(random: Random): Real {
  return {
    address: random.pick(REALS),
    ...(random.chance(0.1) && { tunnel: randomTunnel(random) }),
    weight: random.pick([0, 1, 1, 1, 2, 3]),
    serving: random.chance(0.93),
    ...(random.chance(0.06) && { upperThreshold: random.between(1, 6), lowerThreshold: random.below(3) }),
  };
}

function randomTunnel(random: Random): Tunnel {
  return random.pick(random.chance(0.9) ? TUNNELS : CHECKSUM_TUNNELS);
}
