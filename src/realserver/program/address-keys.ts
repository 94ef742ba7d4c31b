// Addresses as the maps of the real server's program have them.
import { type IpAddress, ip, ipBytes, ipFromBytes, isIpv4 } from '../../net/address/ip-address.ts';

/** ::ffff:0:0/96 */
const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** The addresses that, among the directors, stand for anyone over IPv4 or over IPv6. */
export const ANYONE: Readonly<Record<4 | 6, IpAddress>> = { 4: ip('0.0.0.0'), 6: ip('::') };

/** Mirrors struct address of bpf/decapsulate.h: 16 bytes in network order, IPv4 addresses mapped to IPv6. */
export function addressKey(address: IpAddress): Uint8Array {
  return isIpv4(address) ? Buffer.concat([MAPPED_PREFIX, ipBytes(address)]) : ipBytes(address);
}

/** Converts a key of `addressKey` back; also a key of 4 bytes, as in programs from before IPv6. */
export function addressOfKey(key: Uint8Array): IpAddress | undefined {
  const mapped = MAPPED_PREFIX.every((byte, at) => key[at] === byte);
  return ipFromBytes(mapped ? key.subarray(MAPPED_PREFIX.length) : key);
}
