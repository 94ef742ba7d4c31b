// IPv4 headers (RFC 791).
import type { Ipv4Address } from '../address/ipv4-address.ts';
import { padToWords, readU16, readU32, writeU16, writeU32 } from '../bytes.ts';
import { internetChecksum } from '../checksum.ts';
import type { ParseFault } from '../fault.ts';

export const IPV4_HEADER_BYTES = 20;
export const IPV4_MAX_BYTES = 65535;

/** IANA's protocol numbers: the protocol of an IPv4 header, a next header of IPv6. */
export const PROTOCOL = {
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  gre: 47,
  icmpv6: 58,
  sctp: 132,
} as const;

/** Offsets of the fields that are read or corrected in place. */
export const IPV4_AT = {
  tos: 1,
  totalLength: 2,
  id: 4,
  flags: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
} as const;

/** An IPv4 header (RFC 791); options are the bytes from 20 to `headerBytes`. */
export interface Ipv4Header {
  readonly headerBytes: number;
  readonly tos: number;
  readonly totalLength: number;
  readonly id: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  readonly fragmentOffsetBytes: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly checksum: number;
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
}

/** The fields of `buildIpv4`. Defaults are 0 or false, and 64 for the TTL. */
export interface Ipv4Fields {
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly protocol: number;
  readonly tos?: number;
  readonly id?: number;
  readonly dontFragment?: boolean;
  readonly moreFragments?: boolean;
  /** A multiple of 8. */
  readonly fragmentOffsetBytes?: number;
  readonly ttl?: number;
}

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

/** Reads the header at `at`; the whole packet must be there. The checksum is not looked at: see `ipv4ChecksumIsGood`. */
export function parseIpv4Header(bytes: Uint8Array, at = 0): Ipv4Header | ParseFault {
  const header = parseQuotedIpv4Header(bytes, at);
  if (typeof header === 'string') return header;
  return header.totalLength > bytes.length - at ? 'ip-total-length' : header;
}

/** Parses the header of a packet that may be cut off after it, as in ICMP errors; see `parseIpv4Header`. */
export function parseQuotedIpv4Header(bytes: Uint8Array, at = 0): Ipv4Header | ParseFault {
  if (bytes.length - at < IPV4_HEADER_BYTES) return 'ip-truncated';
  const versionAndLength = bytes[at] as number;
  if (versionAndLength >> 4 !== 4) return 'ip-version';
  const headerBytes = (versionAndLength & 15) * 4;
  if (headerBytes < IPV4_HEADER_BYTES || headerBytes > bytes.length - at) return 'ip-header-length';
  const totalLength = readU16(bytes, at + IPV4_AT.totalLength);
  if (totalLength < headerBytes) return 'ip-total-length';
  const flags = readU16(bytes, at + IPV4_AT.flags);
  return {
    headerBytes,
    tos: bytes[at + IPV4_AT.tos] as number,
    totalLength,
    id: readU16(bytes, at + IPV4_AT.id),
    dontFragment: (flags & DONT_FRAGMENT) !== 0,
    moreFragments: (flags & MORE_FRAGMENTS) !== 0,
    fragmentOffsetBytes: (flags & OFFSET_MASK) * 8,
    ttl: bytes[at + IPV4_AT.ttl] as number,
    protocol: bytes[at + IPV4_AT.protocol] as number,
    checksum: readU16(bytes, at + IPV4_AT.checksum),
    source: readU32(bytes, at + IPV4_AT.source) as Ipv4Address,
    destination: readU32(bytes, at + IPV4_AT.destination) as Ipv4Address,
  };
}

export function ipv4ChecksumIsGood(bytes: Uint8Array, at: number, headerBytes: number): boolean {
  return internetChecksum(bytes, at, at + headerBytes) === 0;
}

/** A whole packet: header with checksum, options (padded to whole words), payload. */
export function buildIpv4(
  fields: Ipv4Fields,
  payload: Uint8Array,
  options: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const padded = padToWords(options);
  const headerBytes = IPV4_HEADER_BYTES + padded.length;
  const packet = new Uint8Array(headerBytes + payload.length);
  packet.set(padded, IPV4_HEADER_BYTES);
  packet.set(payload, headerBytes);
  packet[0] = 0x40 | (headerBytes / 4);
  packet[IPV4_AT.tos] = fields.tos ?? 0;
  writeU16(packet, IPV4_AT.totalLength, packet.length);
  writeU16(packet, IPV4_AT.id, fields.id ?? 0);
  writeU16(
    packet,
    IPV4_AT.flags,
    (fields.dontFragment ? DONT_FRAGMENT : 0) |
      (fields.moreFragments ? MORE_FRAGMENTS : 0) |
      ((fields.fragmentOffsetBytes ?? 0) >>> 3),
  );
  packet[IPV4_AT.ttl] = fields.ttl ?? 64;
  packet[IPV4_AT.protocol] = fields.protocol;
  writeU32(packet, IPV4_AT.source, fields.source);
  writeU32(packet, IPV4_AT.destination, fields.destination);
  writeIpv4Checksum(packet, 0, headerBytes);
  return packet;
}

/** Computes the header checksum again and writes it. */
export function writeIpv4Checksum(packet: Uint8Array, at: number, headerBytes: number): void {
  writeU16(packet, at + IPV4_AT.checksum, 0);
  writeU16(packet, at + IPV4_AT.checksum, internetChecksum(packet, at, at + headerBytes));
}
