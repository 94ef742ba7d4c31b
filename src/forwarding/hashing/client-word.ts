// A client's address in 32 bits.
import { type IpAddress, isIpv4 } from '../../net/address/ip-address.ts';
import { foldIpv6 } from './flow-hash.ts';

/** A client's address in the 32 bits that flow hash and flow keys have for it: IPv4 in host order, IPv6 folded by the key. */
export function clientWord(address: IpAddress, hashKey: Uint32Array): number {
  return isIpv4(address) ? address : foldIpv6(address, hashKey);
}
