import { readU32 } from '../net/bytes.ts';
import { type IpAddress, ipBytes, isIpv4 } from '../net/ip-address.ts';
import { flowHash } from './image/flow-hash.ts';

/** A client's address in the 32 bits that flow hash and flow keys have for it: IPv4 in host order, IPv6 folded by the key. */
export function clientWord(address: IpAddress, hashKey: Uint32Array): number {
  if (isIpv4(address)) return address;
  const bytes = ipBytes(address);
  return [0, 4, 8, 12].reduce((word, at) => flowHash(word ^ readU32(bytes, at), at, hashKey), 0);
}
