import { readU16, writeU16 } from '../../../../src/net/bytes.ts';
import { foldChecksum } from '../../../../src/net/checksum.ts';
import { IPV4_AT, IPV4_HEADER_BYTES, writeIpv4Checksum } from '../../../../src/net/headers/ipv4.ts';
import { IPV6_HEADER_BYTES, PROTOCOL } from './raw-packet.ts';

const DONT_FRAGMENT = 0x4000;
const FRAGMENT_OFFSET = 0x1fff;
const FRAGMENT_ID_AT = 6;
const UDP_CHECKSUM_AT = 6;

/**
 * A packet that the director sent, with what is left to chance put out of the way: an IPv4 ID from a counter is written
 * as 1 (0 stays 0), and so is the ID of an IPv6 fragment; the source port of GUE as 0, its checksum mended.
 */
export function withoutChance(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  if ((copy[0] as number) >> 4 === 6) {
    if (copy[6] === PROTOCOL.fragment) {
      writeU16(copy, IPV6_HEADER_BYTES + FRAGMENT_ID_AT - 2, 0);
      writeU16(copy, IPV6_HEADER_BYTES + FRAGMENT_ID_AT, 1);
      const isFirst = readU16(copy, IPV6_HEADER_BYTES + 2) >> 3 === 0;
      if (isFirst && copy[IPV6_HEADER_BYTES] === PROTOCOL.udp) forgetSourcePort(copy, IPV6_HEADER_BYTES + 8);
    }
    if (copy[6] === PROTOCOL.udp) forgetSourcePort(copy, IPV6_HEADER_BYTES);
    return copy;
  }
  const flags = readU16(copy, IPV4_AT.flags);
  if ((flags & DONT_FRAGMENT) === 0 && readU16(copy, IPV4_AT.id) !== 0) writeU16(copy, IPV4_AT.id, 1);
  writeIpv4Checksum(copy, 0, IPV4_HEADER_BYTES);
  const isUdp = copy[IPV4_AT.protocol] === PROTOCOL.udp;
  if (isUdp && (flags & FRAGMENT_OFFSET) === 0) forgetSourcePort(copy, IPV4_HEADER_BYTES);
  return copy;
}

/** RFC 1624, equation 3. */
function forgetSourcePort(packet: Uint8Array, at: number): void {
  const port = readU16(packet, at);
  const checksum = readU16(packet, at + UDP_CHECKSUM_AT);
  writeU16(packet, at, 0);
  if (checksum === 0) return;
  const mended = foldChecksum((~checksum & 0xffff) + (~port & 0xffff));
  writeU16(packet, at + UDP_CHECKSUM_AT, mended === 0 ? 0xffff : mended);
}
