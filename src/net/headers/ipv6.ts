// IPv6 headers (RFC 8200).
import { type Ipv6Address, readIpv6Address, writeIpv6Address } from '../address/ipv6-address.ts';
import { readU16, readU32, writeU16, writeU32 } from '../bytes.ts';
import type { ParseFault } from '../fault.ts';

export const IPV6_HEADER_BYTES = 40;
/** Every link carries packets of that size (RFC 8200, section 5). */
export const IPV6_MIN_MTU_BYTES = 1280;

/** Offsets of the fields that are read or corrected in place; the traffic class has the middle 8 bits of the first 2 bytes. */
export const IPV6_AT = {
  payloadLength: 4,
  nextHeader: 6,
  hopLimit: 7,
  source: 8,
  destination: 24,
} as const;

/** An IPv6 header (RFC 8200, section 3). */
export interface Ipv6Header {
  /** 8 bits: DSCP and ECN, as IPv4's TOS. */
  readonly trafficClass: number;
  /** 20 bits. */
  readonly flowLabel: number;
  /** The length behind the 40 bytes, extension headers included. */
  readonly payloadLength: number;
  /** Header and payload. */
  readonly totalLength: number;
  /** The protocol number of an extension header or the upper layer: see `findUpperLayer`. */
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
}

/** The fields of `buildIpv6`. Defaults are 0, and 64 for the hop limit. */
export interface Ipv6Fields {
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  readonly nextHeader: number;
  readonly trafficClass?: number;
  readonly flowLabel?: number;
  readonly hopLimit?: number;
}

/** Reads the header at `at`; the whole packet must be there. Jumbograms (RFC 2675) look as if they had no payload. */
export function parseIpv6Header(bytes: Uint8Array, at = 0): Ipv6Header | ParseFault {
  const header = parseQuotedIpv6Header(bytes, at);
  if (typeof header === 'string') return header;
  return header.totalLength > bytes.length - at ? 'ipv6-payload-length' : header;
}

/** Parses the header of a packet that may be cut off after it, as in ICMPv6 errors; see `parseIpv6Header`. */
export function parseQuotedIpv6Header(bytes: Uint8Array, at = 0): Ipv6Header | ParseFault {
  if (bytes.length - at < IPV6_HEADER_BYTES) return 'ipv6-truncated';
  const first = readU32(bytes, at);
  if (first >>> 28 !== 6) return 'ipv6-version';
  const payloadLength = readU16(bytes, at + IPV6_AT.payloadLength);
  return {
    trafficClass: (first >>> 20) & 0xff,
    flowLabel: first & 0xfffff,
    payloadLength,
    totalLength: IPV6_HEADER_BYTES + payloadLength,
    nextHeader: bytes[at + IPV6_AT.nextHeader] as number,
    hopLimit: bytes[at + IPV6_AT.hopLimit] as number,
    source: readIpv6Address(bytes, at + IPV6_AT.source),
    destination: readIpv6Address(bytes, at + IPV6_AT.destination),
  };
}

/** A whole packet; `payload` begins with the header that `nextHeader` names. */
export function buildIpv6(fields: Ipv6Fields, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(IPV6_HEADER_BYTES + payload.length);
  writeU32(packet, 0, (6 << 28) | ((fields.trafficClass ?? 0) << 20) | (fields.flowLabel ?? 0));
  writeU16(packet, IPV6_AT.payloadLength, payload.length);
  packet[IPV6_AT.nextHeader] = fields.nextHeader;
  packet[IPV6_AT.hopLimit] = fields.hopLimit ?? 64;
  writeIpv6Address(packet, IPV6_AT.source, fields.source);
  writeIpv6Address(packet, IPV6_AT.destination, fields.destination);
  packet.set(payload, IPV6_HEADER_BYTES);
  return packet;
}
