// Parses the IP header of either family into one set of fields.
import type { IpAddress, IpFamily } from '../../net/address/ip-address.ts';
import { isFault, type ParseFault } from '../../net/fault.ts';
import { IPV4_HEADER_BYTES, parseQuotedIpv4Header } from '../../net/headers/ipv4.ts';
import { IPV6_HEADER_BYTES, parseQuotedIpv6Header } from '../../net/headers/ipv6.ts';
import { findUpperLayer } from '../../net/headers/ipv6-extensions.ts';

/** The fields of an IP header of either family that decisions need, in IPv4's words. */
export interface IpHeader {
  readonly family: IpFamily;
  /** The offset of the upper layer from the start of the header: behind options or extension headers. */
  readonly headerBytes: number;
  /** TOS or traffic class. */
  readonly tos: number;
  readonly totalLength: number;
  /** The ID of the fragmented packet. */
  readonly id: number;
  /** DF; true for all IPv6, which routers do not fragment. */
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  readonly fragmentOffsetBytes: number;
  /** TTL or hop limit. */
  readonly ttl: number;
  /** The upper layer's protocol: one of `PROTOCOL` or any other number. */
  readonly protocol: number;
  /** Segments left in an IPv6 routing header; not 0 if the packet's destination is not its last one. */
  readonly segmentsLeft: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
}

/** A sound packet, cut to its total length. */
export interface IpPacket {
  readonly bytes: Uint8Array;
  readonly header: IpHeader;
}

/** Parses the header of a packet that must be complete. IPv4's checksum is not verified. */
export function parseIpHeader(bytes: Uint8Array): IpHeader | ParseFault {
  const header = parseQuotedIpHeader(bytes, 0);
  if (isFault(header) || header.totalLength <= bytes.length) return header;
  return header.family === 4 ? 'ip-total-length' : 'ipv6-payload-length';
}

/** Parses the header at `at` of a packet that may be cut off behind it, as ICMP errors quote it. */
export function parseQuotedIpHeader(bytes: Uint8Array, at: number): IpHeader | ParseFault {
  return (bytes[at] ?? 0) >> 4 === 6 ? quotedIpv6(bytes, at) : quotedIpv4(bytes, at);
}

export function isFragment({ moreFragments, fragmentOffsetBytes }: IpHeader): boolean {
  return moreFragments || fragmentOffsetBytes > 0;
}

/** Returns true if IPv4 options or IPv6 extension headers stand between the header and the upper layer. */
export function hasOptions({ family, headerBytes }: IpHeader): boolean {
  return headerBytes > (family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES);
}

function quotedIpv4(bytes: Uint8Array, at: number): IpHeader | ParseFault {
  const header = parseQuotedIpv4Header(bytes, at);
  return isFault(header) ? header : { ...header, family: 4, segmentsLeft: 0 };
}

function quotedIpv6(bytes: Uint8Array, at: number): IpHeader | ParseFault {
  const header = parseQuotedIpv6Header(bytes, at);
  if (isFault(header)) return header;
  const upper = findUpperLayer(bytes, at);
  if (isFault(upper)) return upper;
  const { fragment, routing, protocol } = upper;
  return {
    family: 6,
    headerBytes: upper.at - at,
    tos: header.trafficClass,
    totalLength: header.totalLength,
    id: fragment?.id ?? 0,
    dontFragment: true,
    moreFragments: fragment?.more ?? false,
    fragmentOffsetBytes: fragment?.offsetBytes ?? 0,
    ttl: header.hopLimit,
    protocol,
    segmentsLeft: routing?.segmentsLeft ?? 0,
    source: header.source,
    destination: header.destination,
  };
}
