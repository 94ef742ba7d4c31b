/** Source addresses that no client has, whoever the director is. */
import { type IpAddress, isIpv6 } from '../../net/address/ip-address.ts';
import { isIpv6Multicast } from '../../net/address/ipv6-multicast.ts';

const BROADCAST = 0xffff_ffff;

/**
 * Returns false for a source address that no client can have, whose packets are dropped before anything is remembered: of
 * IPv4 this network (0/8), loopback, multicast and broadcast; of IPv6 ::/64, which has ::, ::1 and the IPv4-mapped addresses,
 * and multicast. 240/4 can be a client's, as for Linux. The VIPs and the director's own addresses are the image's. The fast
 * path has the same rules (`bpf/no-client.h`).
 */
export function canBeClient(source: IpAddress): boolean {
  if (isIpv6(source)) return source >> 64n !== 0n && !isIpv6Multicast(source);
  const network = source >>> 24;
  return network !== 0 && network !== 127 && network >>> 4 !== 0xe && source !== BROADCAST;
}
