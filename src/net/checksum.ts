// The Internet checksum (RFC 1071).
import { type IpAddress, isIpv4 } from './address/ip-address.ts';

/**
 * The unfolded ones' complement sum of big-endian words (RFC 1071), an odd last byte padded with zero.
 * Stays below 2^32 for up to 64 KiB, so that sums may be added before they are folded.
 */
export function sumWords(bytes: Uint8Array, from: number, to: number, initial = 0): number {
  let sum = initial;
  const evenEnd = to - ((to - from) & 1);
  for (let at = from; at < evenEnd; at += 2) {
    sum += ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  }
  return evenEnd === to ? sum : sum + ((bytes[evenEnd] as number) << 8);
}

/** Folds a sum into the checksum. */
export function foldChecksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

/** The checksum of a range; 0 over data that already contains its right checksum. */
export function internetChecksum(bytes: Uint8Array, from: number, to: number, initial = 0): number {
  return foldChecksum(sumWords(bytes, from, to, initial));
}

/** The checksum after one 16-bit word of the data has changed (RFC 1624, equation 3). */
export function updateChecksum(checksum: number, oldWord: number, newWord: number): number {
  return foldChecksum((~checksum & 0xffff) + (~oldWord & 0xffff) + newWord);
}

/**
 * The unfolded sum of the pseudo header of TCP, UDP and ICMPv6, both addresses being of one family. Those of IPv4 (RFC 9293,
 * 3.1) and IPv6 (RFC 8200, 8.1) lay the length and the protocol out differently, but their words sum to the same.
 */
export function pseudoHeaderSum(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  length: number,
): number {
  return addressSum(source) + addressSum(destination) + protocol + (length >>> 16) + (length & 0xffff);
}

/** The checksum of a whole TCP segment, UDP datagram or ICMPv6 message over its pseudo header; 0 when it already holds the right one. */
export function transportChecksum(
  segment: Uint8Array,
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
): number {
  const initial = pseudoHeaderSum(source, destination, protocol, segment.length);
  return internetChecksum(segment, 0, segment.length, initial);
}

function addressSum(address: IpAddress): number {
  if (isIpv4(address)) return (address >>> 16) + (address & 0xffff);
  let sum = 0;
  // 32 bits at a time, since arithmetic on bigints is what costs here.
  for (let rest: bigint = address; rest > 0n; rest >>= 32n) {
    const word = Number(BigInt.asUintN(32, rest));
    sum += (word >>> 16) + (word & 0xffff);
  }
  return sum;
}
