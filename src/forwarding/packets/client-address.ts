// The source addresses that no client can have, whichever director it talks to.
import { type IpAddress, isIpv6 } from '../../net/address/ip-address.ts';
import { isIpv6Multicast } from '../../net/address/ipv6-multicast.ts';

const BROADCAST = 0xffff_ffff;

/**
 * Returns false for a source address that no client can have; its packets are dropped before anything is remembered.
 * - IPv4: this network (0/8), loopback, multicast and broadcast. 240/4 can be a client's, as for Linux.
 * - IPv6: ::/64, which holds ::, ::1 and the IPv4-mapped addresses, and multicast.
 *
 * The image knows the VIPs and the director's own addresses. The fast path has the same rules (`bpf/no-client.h`).
 */
export function canBeClient(source: IpAddress): boolean {
  if (isIpv6(source)) return source >> 64n !== 0n && !isIpv6Multicast(source);
  const network = source >>> 24;
  return network !== 0 && network !== 127 && network >>> 4 !== 0xe && source !== BROADCAST;
}
