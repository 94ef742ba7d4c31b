// The 32 bits that stand for a client's address in flow hashes and flow keys.
import { type IpAddress, isIpv4 } from '../../net/address/ip-address.ts';
import { foldIpv6 } from './flow-hash.ts';

/** Returns the client word of an address: an IPv4 address in host order, an IPv6 address folded by the key. */
export function clientWord(address: IpAddress, hashKey: Uint32Array): number {
  return isIpv4(address) ? address : foldIpv6(address, hashKey);
}
