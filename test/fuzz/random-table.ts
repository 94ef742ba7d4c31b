import type { ForwardingImage } from '../../src/forwarding/image/forwarding-image.ts';
import {
  DEFAULT_TIMEOUTS,
  type ForwardingTable,
  type Real,
  type Service,
} from '../../src/forwarding/table.ts';
import type { Ipv4Address } from '../../src/net/ipv4-address.ts';
import { INGRESS_IF_INDEX } from './loaded-director.ts';
import type { Random } from './random.ts';

export const VIPS = [0xc000020a, 0xc000020b, 0xcb007101] as readonly number[] as readonly Ipv4Address[];
export const PORTS = [53, 80, 443, 8080] as const;
const DIRECTOR = 0x0a000002 as Ipv4Address;
const FIRST_REAL = 0x0a010002;
const MOST_REALS = 6;
const OTHER_IF_INDEX = 7;
const MTUS = [1500, 1500, 1500, 1480, 576, 120] as const;

export function randomTable(random: Random): ForwardingTable {
  const services = new Map<string, Service>();
  for (let wanted = random.between(1, 5); wanted > 0; wanted--) {
    const service = randomService(random);
    services.set(`${service.protocol} ${service.vip}:${service.port}`, service);
  }
  return { hashKey: random.bytes(16), timeouts: DEFAULT_TIMEOUTS, services: [...services.values()] };
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
  return { ...table, services: fewer };
}

/** Paths for reals that have none yet, and now and then another one. The same for both images. */
export function randomPaths(random: Random, images: readonly ForwardingImage[]): void {
  const [first, ...others] = images;
  for (const { index, ifIndex } of first?.reals() ?? []) {
    if (ifIndex !== 0 && random.chance(0.8)) continue;
    const path = {
      sourceAddress: DIRECTOR,
      mtuBytes: random.pick(MTUS),
      resolved: random.chance(0.95)
        ? {
            nextHopMac: random.bytes(6),
            sourceMac: random.bytes(6),
            ifIndex: random.chance(0.7) ? INGRESS_IF_INDEX : OTHER_IF_INDEX,
          }
        : undefined,
    };
    for (const image of [first as ForwardingImage, ...others]) image.setPath(index, path);
  }
}

function randomService(random: Random): Service {
  const reals: Real[] = [];
  for (let wanted = random.between(0, 5); wanted > 0; wanted--) addReal(random, reals);
  return {
    vip: random.pick(VIPS),
    port: random.pick(PORTS),
    protocol: random.chance(0.7) ? 'tcp' : 'udp',
    scheduler: random.pick(['mh', 'mh', 'mh', 'rr', 'wrr']),
    hashOn: random.chance(0.7) ? 'flow' : 'source',
    tunnel: { type: 'ipip' },
    blackhole: { policy: random.chance(0.7) ? 'cure' : 'refuse', after: random.between(1, 3) },
    reals,
  };
}

function addReal(random: Random, reals: Real[]): void {
  const real = randomReal(random);
  if (!reals.some(({ address }) => address === real.address)) reals.push(real);
}

function randomReal(random: Random): Real {
  return {
    address: (FIRST_REAL + random.below(MOST_REALS)) as Ipv4Address,
    weight: random.pick([0, 1, 1, 1, 2, 3]),
    serving: random.chance(0.9),
  };
}
