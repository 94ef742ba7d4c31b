// Copies a packet with its TTL or hop limit decremented.
import { readU16, writeU16 } from '../../net/bytes.ts';
import { updateChecksum } from '../../net/checksum.ts';
import { IPV4_AT } from '../../net/headers/ipv4.ts';
import { IPV6_AT } from '../../net/headers/ipv6.ts';
import { ownBytes } from '../../net/owned-bytes.ts';

/**
 * Returns a copy of the packet one hop on, as a router sends it: TTL or hop limit decremented, IPv4's checksum updated (RFC
 * 1624).
 */
export function routed(packet: Uint8Array): Uint8Array {
  const copy = ownBytes(packet);
  if ((copy[0] as number) >> 4 === 6) {
    copy[IPV6_AT.hopLimit] = (copy[IPV6_AT.hopLimit] as number) - 1;
    return copy;
  }
  const ttlAndProtocol = readU16(copy, IPV4_AT.ttl);
  const checksum = readU16(copy, IPV4_AT.checksum);
  writeU16(copy, IPV4_AT.ttl, ttlAndProtocol - 0x100);
  writeU16(copy, IPV4_AT.checksum, updateChecksum(checksum, ttlAndProtocol, ttlAndProtocol - 0x100));
  return copy;
}
