// The destination address of an IP packet.
import type { IpAddress } from '../../../net/address/ip-address.ts';
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import { readIpv6Address } from '../../../net/address/ipv6-address.ts';
import { readU32 } from '../../../net/bytes.ts';
import { IPV4_AT } from '../../../net/headers/ipv4.ts';
import { IPV6_AT } from '../../../net/headers/ipv6.ts';

/** Returns the destination of a packet of either family that culvert built. */
export function destinationOf(packet: Uint8Array): IpAddress {
  return (packet[0] ?? 0) >> 4 === 6
    ? readIpv6Address(packet, IPV6_AT.destination)
    : (readU32(packet, IPV4_AT.destination) as Ipv4Address);
}
