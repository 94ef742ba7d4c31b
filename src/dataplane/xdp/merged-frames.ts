import type { TapFrame } from '../../linux/tap.ts';
import { readU16, readU32, writeU16, writeU32 } from '../../net/bytes.ts';
import { internetChecksum, pseudoHeaderSum } from '../../net/checksum.ts';
import { ETHERNET_HEADER_BYTES, ETHERTYPE } from '../../net/ethernet.ts';
import { isFault } from '../../net/fault.ts';
import { IPV4_AT, type Ipv4Header, PROTOCOL, parseIpv4Header } from '../../net/ipv4.ts';

const IP_AT = ETHERNET_HEADER_BYTES;
const TCP_AT = { sequence: 4, offset: 12, flags: 13, checksum: 16 } as const;
const FIN = 0x01;
const PSH = 0x08;
const CWR = 0x80;

/**
 * The frames as they were on the wire: receive offloads merge segments and leave checksums unfinished, which in generic
 * mode and for the host's own packets is what a TAP device hands out. What was not merged comes back as it is.
 */
export function wireFrames(read: TapFrame): Uint8Array[] {
  const { frame, checksum } = read;
  const merged = read.segmentBytes > 0 ? mergedTcp(frame, read.segmentBytes) : undefined;
  if (merged !== undefined) return split(frame, merged);
  if (checksum !== undefined && checksum.at + 2 <= frame.length) {
    // The field holds the sum of the pseudo header already, so it is part of what is summed.
    writeU16(frame, checksum.at, internetChecksum(frame, checksum.start, endOfPacket(frame)) || 0xffff);
  }
  return [frame];
}

interface MergedTcp {
  readonly header: Ipv4Header;
  readonly tcpAt: number;
  readonly dataAt: number;
  readonly end: number;
  readonly segmentBytes: number;
}

/** Undefined for anything but TCP over IPv4 that has to be split. */
function mergedTcp(frame: Uint8Array, segmentBytes: number): MergedTcp | undefined {
  if (readU16(frame, 12) !== ETHERTYPE.ipv4) return undefined;
  const header = parseIpv4Header(frame, IP_AT);
  if (isFault(header) || header.protocol !== PROTOCOL.tcp || header.fragmentOffsetBytes > 0) return undefined;
  const tcpAt = IP_AT + header.headerBytes;
  const end = IP_AT + header.totalLength;
  if (tcpAt + 20 > end) return undefined;
  const dataAt = tcpAt + ((frame[tcpAt + TCP_AT.offset] as number) >> 4) * 4;
  return end - dataAt > segmentBytes ? { header, tcpAt, dataAt, end, segmentBytes } : undefined;
}

function split(frame: Uint8Array, merged: MergedTcp): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = merged.dataAt; at < merged.end; at += merged.segmentBytes) {
    frames.push(segment(frame, merged, at));
  }
  return frames;
}

function segment(frame: Uint8Array, merged: MergedTcp, at: number): Uint8Array {
  const { header, tcpAt, dataAt, end, segmentBytes } = merged;
  const until = Math.min(at + segmentBytes, end);
  const first = at === dataAt;
  const bytes = new Uint8Array(dataAt + (until - at));
  bytes.set(frame.subarray(0, dataAt));
  bytes.set(frame.subarray(at, until), dataAt);
  const number = (at - dataAt) / segmentBytes;
  writeU16(bytes, IP_AT + IPV4_AT.totalLength, bytes.length - IP_AT);
  writeU16(bytes, IP_AT + IPV4_AT.id, (header.id + number) & 0xffff);
  writeU16(bytes, IP_AT + IPV4_AT.checksum, 0);
  writeU16(bytes, IP_AT + IPV4_AT.checksum, internetChecksum(bytes, IP_AT, tcpAt));
  const sequence = readU32(frame, tcpAt + TCP_AT.sequence);
  writeU32(bytes, tcpAt + TCP_AT.sequence, (sequence + (at - dataAt)) >>> 0);
  if (until < end) bytes[tcpAt + TCP_AT.flags] = (bytes[tcpAt + TCP_AT.flags] as number) & ~(FIN | PSH);
  if (!first) bytes[tcpAt + TCP_AT.flags] = (bytes[tcpAt + TCP_AT.flags] as number) & ~CWR;
  const pseudo = pseudoHeaderSum(header.source, header.destination, PROTOCOL.tcp, bytes.length - tcpAt);
  writeU16(bytes, tcpAt + TCP_AT.checksum, 0);
  writeU16(bytes, tcpAt + TCP_AT.checksum, internetChecksum(bytes, tcpAt, bytes.length, pseudo));
  return bytes;
}

/** Padding behind a short packet is not covered by its checksum. */
function endOfPacket(frame: Uint8Array): number {
  if (readU16(frame, 12) !== ETHERTYPE.ipv4) return frame.length;
  const header = parseIpv4Header(frame, IP_AT);
  return isFault(header) ? frame.length : IP_AT + header.totalLength;
}
