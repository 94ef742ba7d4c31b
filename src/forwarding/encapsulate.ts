import { readU16, writeU16 } from '../net/bytes.ts';
import { updateChecksum } from '../net/checksum.ts';
import { buildIpv4, IPV4_AT, IPV4_HEADER_BYTES, PROTOCOL } from '../net/ipv4.ts';
import type { Ipv4Address } from '../net/ipv4-address.ts';

/** Bytes that IPIP puts in front of a packet. */
export const TUNNEL_BYTES: number = IPV4_HEADER_BYTES;

/** Fragment offsets count in eights, so that an MTU which leaves less is not one. */
const LEAST_FRAGMENT_BYTES = 8;

export interface OuterHeader {
  /** The director's address on the route to the real. */
  readonly source: Ipv4Address;
  /** The real's address. */
  readonly destination: Ipv4Address;
  /** 0 with DF, not 0 without. */
  readonly id: number;
  readonly dontFragment: boolean;
}

/** A copy of the packet with its TTL decremented and its checksum mended (RFC 1624), as a router sends it on. */
export function routed(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  const ttlAndProtocol = readU16(copy, IPV4_AT.ttl);
  const checksum = readU16(copy, IPV4_AT.checksum);
  writeU16(copy, IPV4_AT.ttl, ttlAndProtocol - 0x100);
  writeU16(copy, IPV4_AT.checksum, updateChecksum(checksum, ttlAndProtocol, ttlAndProtocol - 0x100));
  return copy;
}

/** The packet, routed, in its outer header. The whole TOS is copied, so that CE stays CE (RFC 6040). */
export function encapsulate(packet: Uint8Array, outer: OuterHeader): Uint8Array {
  const inner = routed(packet);
  return buildIpv4({ ...outer, ...inherited(inner) }, inner);
}

/** The same in fragments of the outer packet that fit `mtuBytes`; the packet itself is not changed further. */
export function encapsulateInFragments(
  packet: Uint8Array,
  outer: OuterHeader,
  mtuBytes: number,
): Uint8Array[] {
  const inner = routed(packet);
  const fields = { ...outer, ...inherited(inner) };
  const step = Math.max(LEAST_FRAGMENT_BYTES, (mtuBytes - IPV4_HEADER_BYTES) & ~7);
  const fragments: Uint8Array[] = [];
  for (let at = 0; at < inner.length; at += step) {
    const moreFragments = at + step < inner.length;
    fragments.push(
      buildIpv4({ ...fields, moreFragments, fragmentOffsetBytes: at }, inner.subarray(at, at + step)),
    );
  }
  return fragments;
}

function inherited(inner: Uint8Array): { tos: number; ttl: number; protocol: number } {
  return {
    tos: inner[IPV4_AT.tos] as number,
    ttl: inner[IPV4_AT.ttl] as number,
    protocol: PROTOCOL.ipip,
  };
}
