import { writeU16 } from '../../net/bytes.ts';
import { internetChecksum } from '../../net/checksum.ts';
import { ETHERTYPE } from '../../net/ethernet.ts';
import { PROTOCOL } from '../../net/ipv4.ts';

const BASE_BYTES = 4;
const CHECKSUM_BYTES = 4;
const CHECKSUM_PRESENT = 0x8000;

export function greBytes(withChecksum: boolean): number {
  return BASE_BYTES + (withChecksum ? CHECKSUM_BYTES : 0);
}

/**
 * The inner packet behind a GRE header (RFC 2784), without key and sequence number.
 * @param protocol of the inner packet as an IP header names it: `PROTOCOL.ipip` or `PROTOCOL.ipv6`
 */
export function inGre(inner: Uint8Array, protocol: number, withChecksum: boolean): Uint8Array {
  const headerBytes = greBytes(withChecksum);
  const bytes = new Uint8Array(headerBytes + inner.length);
  writeU16(bytes, 0, withChecksum ? CHECKSUM_PRESENT : 0);
  writeU16(bytes, 2, protocol === PROTOCOL.ipv6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4);
  bytes.set(inner, headerBytes);
  if (withChecksum) writeU16(bytes, 4, internetChecksum(bytes, 0, bytes.length));
  return bytes;
}
