import type { ForwardingTable, Service } from '../../../../src/forwarding/forwarding-table.ts';
import type { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import type { ImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { ip } from '../../../../src/net/address/ip-address.ts';
import type { Ipv6Address } from '../../../../src/net/address/ipv6-address.ts';
import { buildIpv6, type Ipv6Fields } from '../../../../src/net/headers/ipv6.ts';
import { DIRECTOR_6, imageOf, STANDARD_TABLE } from './fixture.ts';
import { hop6, VIP_6 } from './packets6.ts';

export const REALS_6: readonly [Ipv6Address, Ipv6Address, Ipv6Address] = [
  ip('2001:db8:1::2') as Ipv6Address,
  ip('2001:db8:2::2') as Ipv6Address,
  ip('2001:db8:3::2') as Ipv6Address,
];

/** The services of the standard table, for an IPv6 VIP and reals. */
export const IPV6_TABLE: ForwardingTable = {
  ...STANDARD_TABLE,
  services: STANDARD_TABLE.services.map((service) => ({ ...service, vip: VIP_6, reals: reals(service) })),
};

export function ipv6Image(memory?: ImageMemory): ForwardingImage {
  return imageOf(IPV6_TABLE, memory);
}

/** What goes to a real: the packet one hop on in an outer IPv6 header. */
export function outer6(packet: Uint8Array, real: Ipv6Address, fields: Partial<Ipv6Fields> = {}): Uint8Array {
  const inner = hop6(packet);
  const inherited = {
    trafficClass: (((inner[0] as number) << 4) | ((inner[1] as number) >> 4)) & 0xff,
    hopLimit: inner[7] as number,
  };
  return buildIpv6({ source: DIRECTOR_6, destination: real, nextHeader: 41, ...inherited, ...fields }, inner);
}

function reals({ reals: standard }: Service): Service['reals'] {
  return standard.map((real, i) => ({ ...real, address: REALS_6[i] as Ipv6Address }));
}
