// Splits a TCP packet that receive offload merged into the packets that the client sent.
import { readU32, writeU16, writeU32 } from '../../net/bytes.ts';
import { transportChecksum } from '../../net/checksum.ts';
import { isFault } from '../../net/fault.ts';
import { IPV4_AT, PROTOCOL, writeIpv4Checksum } from '../../net/headers/ipv4.ts';
import { IPV6_AT, IPV6_HEADER_BYTES } from '../../net/headers/ipv6.ts';
import { parseTcp, TCP_FLAGS } from '../../net/headers/tcp.ts';
import type { IpHeader } from './ip-header.ts';

const TCP_AT = { sequence: 4, flags: 13, checksum: 16 } as const;

export interface SegmentSizes {
  /** A client's packet cannot be longer than this. */
  readonly linkMtuBytes: number;
  /** The data in each segment except the last, if receive offload reported it. */
  readonly segmentBytes?: number | undefined;
}

/**
 * Returns the packets that a client sent and that receive offload merged into this one; undefined if it was not merged.
 * @param packet cut to its total length, with a good IP header
 */
export function unmerge(packet: Uint8Array, header: IpHeader, sizes: SegmentSizes): Uint8Array[] | undefined {
  if (header.protocol !== PROTOCOL.tcp || packet.length <= sizes.linkMtuBytes) return undefined;
  const tcp = parseTcp(packet, header.headerBytes);
  if (isFault(tcp)) return undefined;
  const headersBytes = header.headerBytes + tcp.headerBytes;
  const step = Math.min(sizes.segmentBytes ?? Infinity, sizes.linkMtuBytes - headersBytes);
  if (step < 1) return undefined;
  const segments: Uint8Array[] = [];
  for (let at = headersBytes; at < packet.length; at += step) {
    segments.push(
      segment(packet, header, { headersBytes, from: at, to: Math.min(at + step, packet.length), step }),
    );
  }
  return segments;
}

interface Part {
  readonly headersBytes: number;
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** Builds one segment. FIN and PSH belong to the last segment, CWR to the first (RFC 3168); IDs count up as the client's do. */
function segment(packet: Uint8Array, header: IpHeader, part: Part): Uint8Array {
  const { headersBytes, from, to } = part;
  const bytes = new Uint8Array(headersBytes + to - from);
  bytes.set(packet.subarray(0, headersBytes));
  bytes.set(packet.subarray(from, to), headersBytes);
  mendIpHeader(bytes, header, header.id + (from - headersBytes) / part.step);
  const tcp = bytes.subarray(header.headerBytes);
  writeU32(tcp, TCP_AT.sequence, readU32(tcp, TCP_AT.sequence) + (from - headersBytes));
  const absent =
    (to < packet.length ? TCP_FLAGS.fin | TCP_FLAGS.psh : 0) | (from > headersBytes ? TCP_FLAGS.cwr : 0);
  tcp[TCP_AT.flags] = (tcp[TCP_AT.flags] as number) & ~absent;
  writeU16(tcp, TCP_AT.checksum, 0);
  writeU16(tcp, TCP_AT.checksum, transportChecksum(tcp, header.source, header.destination, PROTOCOL.tcp));
  return bytes;
}

function mendIpHeader(bytes: Uint8Array, header: IpHeader, id: number): void {
  if (header.family === 6) {
    writeU16(bytes, IPV6_AT.payloadLength, bytes.length - IPV6_HEADER_BYTES);
    return;
  }
  writeU16(bytes, IPV4_AT.totalLength, bytes.length);
  writeU16(bytes, IPV4_AT.id, id);
  writeIpv4Checksum(bytes, 0, header.headerBytes);
}
