import {
  DEFAULT_TIMEOUTS,
  type ForwardingTable,
  type Service,
} from '../../../../src/forwarding/forwarding-table.ts';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { TICK_MS } from '../../../../src/forwarding/image/tables/layout.ts';
import { allocateImageMemory, type ImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { createForwarderState, type ForwarderState } from '../../../../src/forwarding/state.ts';
import { ip, isIpv4 } from '../../../../src/net/address/ip-address.ts';
import { type Ipv4Address, ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../../../src/net/address/ipv6-address.ts';
import { type MacAddress, parseMac } from '../../../../src/net/headers/ethernet.ts';

export const VIP: Ipv4Address = ipv4('192.0.2.10');
export const CLIENT: Ipv4Address = ipv4('198.51.100.7');
export const DIRECTOR: Ipv4Address = ipv4('10.0.0.2');
export const DIRECTOR_6: Ipv6Address = ip('2001:db8:0:1::2') as Ipv6Address;
export const REALS: readonly [Ipv4Address, Ipv4Address, Ipv4Address] = [
  ipv4('10.0.1.2'),
  ipv4('10.0.2.2'),
  ipv4('10.0.3.2'),
];
export const MTU = 1500;
export const IF_INDEX = 7;
export const DIRECTOR_MAC: MacAddress = mac('02:00:00:00:00:02');
export const NEXT_HOP_MAC: MacAddress = mac('02:00:00:00:00:01');
export const NOW_MS = 1_000_000;

const COMMON = {
  vip: VIP,
  hashOn: 'flow',
  tunnel: { type: 'ipip' },
  blackhole: { policy: 'cure', after: 2 },
} as const;

/**
 * tcp 80 mh, tcp 81 rr and udp 53 wrr 3:2:1, each on the same three reals; tcp 82 has none that serves, tcp 83 is an
 * rr that refuses black holes.
 */
export const STANDARD_TABLE: ForwardingTable = {
  hashKey: Uint8Array.from({ length: 16 }, (_, i) => i * 17),
  timeouts: DEFAULT_TIMEOUTS,
  services: [
    { ...COMMON, protocol: 'tcp', port: 80, scheduler: 'mh', reals: reals([1, 1, 1]) },
    { ...COMMON, protocol: 'tcp', port: 81, scheduler: 'rr', reals: reals([1, 1, 1]) },
    { ...COMMON, protocol: 'udp', port: 53, scheduler: 'wrr', reals: reals([3, 2, 1]) },
    { ...COMMON, protocol: 'tcp', port: 82, scheduler: 'rr', reals: reals([1, 1, 1], false) },
    {
      ...COMMON,
      blackhole: { policy: 'refuse', after: 2 },
      protocol: 'tcp',
      port: 83,
      scheduler: 'rr',
      reals: reals([1, 1, 1]),
    },
  ],
};

/** The standard table in this memory, every next hop resolved. */
export function standardImage(memory?: ImageMemory): ForwardingImage {
  return imageOf(STANDARD_TABLE, memory);
}

/** A table in this memory, every next hop resolved. */
export function imageOf(table: ForwardingTable, memory: ImageMemory = smallMemory()): ForwardingImage {
  const image = new ForwardingImage(memory);
  image.setNow(NOW_MS / TICK_MS);
  image.setHostAddresses(new Set([DIRECTOR, DIRECTOR_6]));
  image.apply(table, NOW_MS / TICK_MS);
  for (const { index, address } of image.reals()) {
    image.setPath(index, {
      sourceAddress: isIpv4(address) ? DIRECTOR : DIRECTOR_6,
      mtuBytes: MTU,
      resolved: { nextHopMac: NEXT_HOP_MAC, sourceMac: DIRECTOR_MAC, ifIndex: IF_INDEX },
    });
  }
  return image;
}

export function standardState(image: ForwardingImage = standardImage()): ForwarderState {
  return createForwarderState({ image, linkMtuBytes: MTU, interfaceMac: DIRECTOR_MAC });
}

export function smallMemory(): ImageMemory {
  return allocateImageMemory({ slots: 1 << 16, flows: 1 << 12 });
}

function reals(weights: readonly number[], serving = true): Service['reals'] {
  return REALS.map((address, i) => ({ address, weight: weights[i] ?? 1, serving }));
}

function mac(text: string): Uint8Array {
  const address = parseMac(text);
  if (address === undefined) throw new TypeError(`not a MAC address: ${text}`);
  return address;
}
