import { readU32 } from '../../net/bytes.ts';
import type { IpAddress } from '../../net/ip-address.ts';
import { IPV4_AT } from '../../net/ipv4.ts';
import type { Ipv4Address } from '../../net/ipv4-address.ts';
import { IPV6_AT } from '../../net/ipv6.ts';
import { readIpv6Address } from '../../net/ipv6-address.ts';

/** Of a packet that was built here, of either family. */
export function destinationOf(packet: Uint8Array): IpAddress {
  return (packet[0] ?? 0) >> 4 === 6
    ? readIpv6Address(packet, IPV6_AT.destination)
    : (readU32(packet, IPV4_AT.destination) as Ipv4Address);
}
