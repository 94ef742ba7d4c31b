import { ETHERTYPE } from '../../net/ethernet.ts';
import { buildGre, GRE_FIELD_BYTES, GRE_HEADER_BYTES } from '../../net/gre.ts';
import { PROTOCOL } from '../../net/ipv4.ts';

export function greBytes(withChecksum: boolean): number {
  return GRE_HEADER_BYTES + (withChecksum ? GRE_FIELD_BYTES : 0);
}

/**
 * The inner packet behind a GRE header without key and sequence number.
 * @param protocol of the inner packet as an IP header names it: `PROTOCOL.ipip` or `PROTOCOL.ipv6`
 */
export function inGre(inner: Uint8Array, protocol: number, withChecksum: boolean): Uint8Array {
  const etherType = protocol === PROTOCOL.ipv6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4;
  return buildGre({ etherType, withChecksum }, inner);
}
