// TCP headers (RFC 9293).
import type { IpAddress } from '../address/ip-address.ts';
import { padToWords, readU16, readU32, writeU16, writeU32 } from '../bytes.ts';
import { transportChecksum } from '../checksum.ts';
import type { ParseFault } from '../fault.ts';
import { PROTOCOL } from './ipv4.ts';

export const TCP_HEADER_BYTES = 20;
export const TCP_FLAGS = {
  fin: 0x01,
  syn: 0x02,
  rst: 0x04,
  psh: 0x08,
  ack: 0x10,
  urg: 0x20,
  ece: 0x40,
  cwr: 0x80,
} as const;
export const TCP_OPTION = {
  end: 0,
  nop: 1,
  mss: 2,
  windowScale: 3,
  sackPermitted: 4,
  timestamps: 8,
} as const;

/** A TCP header (RFC 9293). */
export interface TcpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly headerBytes: number;
  /** `TCP_FLAGS` or-ed together. */
  readonly flags: number;
  readonly window: number;
  readonly checksum: number;
  readonly urgentPointer: number;
}

/** The fields of `buildTcp`. The addresses are for the pseudo header. Defaults are 0 or empty, and 65535 for the window. */
export interface TcpFields {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly flags: number;
  readonly window?: number;
  readonly urgentPointer?: number;
  /** Padded to whole words. */
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
}

export interface TcpOption {
  readonly kind: number;
  readonly data: Uint8Array;
}

/** Reads the TCP header that is at `at` in a packet whose segment ends before `end`. */
export function parseTcp(
  packet: Uint8Array,
  at: number,
  end: number = packet.length,
): TcpHeader | ParseFault {
  const available = Math.min(end, packet.length) - at;
  if (available < TCP_HEADER_BYTES) return 'tcp-truncated';
  const headerBytes = ((packet[at + 12] as number) >> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || headerBytes > available) return 'tcp-header-length';
  return {
    sourcePort: readU16(packet, at),
    destinationPort: readU16(packet, at + 2),
    sequence: readU32(packet, at + 4),
    acknowledgment: readU32(packet, at + 8),
    headerBytes,
    flags: packet[at + 13] as number,
    window: readU16(packet, at + 14),
    checksum: readU16(packet, at + 16),
    urgentPointer: readU16(packet, at + 18),
  };
}

/** The options of a header that `parseTcp` found good; ends at the first that is malformed. */
export function tcpOptions(packet: Uint8Array, at: number, headerBytes: number): TcpOption[] {
  const options: TcpOption[] = [];
  const end = Math.min(at + headerBytes, packet.length);
  let cursor = at + TCP_HEADER_BYTES;
  while (cursor < end) {
    const kind = packet[cursor] as number;
    if (kind === TCP_OPTION.end) break;
    const length = kind === TCP_OPTION.nop ? 1 : (packet[cursor + 1] ?? 0);
    if ((kind !== TCP_OPTION.nop && length < 2) || cursor + length > end) break;
    options.push({ kind, data: packet.subarray(Math.min(cursor + 2, cursor + length), cursor + length) });
    cursor += length;
  }
  return options;
}

/** The maximum segment size that a SYN announces; undefined when it has no such option. */
export function tcpMss(packet: Uint8Array, at: number, headerBytes: number): number | undefined {
  const option = tcpOptions(packet, at, headerBytes).find(
    ({ kind, data }) => kind === TCP_OPTION.mss && data.length === 2,
  );
  return option === undefined ? undefined : readU16(option.data, 0);
}

export function mssOption(value: number): Uint8Array {
  return Uint8Array.of(TCP_OPTION.mss, 4, value >>> 8, value);
}

/** A TCP segment (header, options, payload) with its checksum. */
export function buildTcp(fields: TcpFields): Uint8Array {
  const options = padToWords(fields.options ?? new Uint8Array(0));
  const payload = fields.payload ?? new Uint8Array(0);
  const headerBytes = TCP_HEADER_BYTES + options.length;
  const segment = new Uint8Array(headerBytes + payload.length);
  writeU16(segment, 0, fields.sourcePort);
  writeU16(segment, 2, fields.destinationPort);
  writeU32(segment, 4, fields.sequence ?? 0);
  writeU32(segment, 8, fields.acknowledgment ?? 0);
  segment[12] = (headerBytes / 4) << 4;
  segment[13] = fields.flags;
  writeU16(segment, 14, fields.window ?? 65535);
  writeU16(segment, 18, fields.urgentPointer ?? 0);
  segment.set(options, TCP_HEADER_BYTES);
  segment.set(payload, headerBytes);
  writeU16(segment, 16, transportChecksum(segment, fields.source, fields.destination, PROTOCOL.tcp));
  return segment;
}
