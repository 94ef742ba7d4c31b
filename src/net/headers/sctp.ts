// SCTP headers and chunks (RFC 9260).
import { concatBytes, padToWords, readU16, readU32, writeU16, writeU32 } from '../bytes.ts';
import { crc32c } from '../crc32c.ts';
import type { ParseFault } from '../fault.ts';

export const SCTP_HEADER_BYTES = 12;
export const SCTP_CHUNK = {
  data: 0,
  init: 1,
  initAck: 2,
  sack: 3,
  heartbeat: 4,
  heartbeatAck: 5,
  abort: 6,
  shutdown: 7,
  shutdownAck: 8,
  error: 9,
  cookieEcho: 10,
  cookieAck: 11,
  shutdownComplete: 14,
} as const;

const CHECKSUM_AT = 8;
const CHECKSUM_BYTES = 4;
const CHUNK_HEADER_BYTES = 4;

/** An SCTP common header (RFC 9260, 3.1). */
export interface SctpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly verificationTag: number;
  /** The checksum as on the wire: the CRC32c, its least byte first (RFC 9260, appendix A). See `sctpChecksumIsGood`. */
  readonly checksum: number;
}

/** A chunk (RFC 9260, 3.2). */
export interface SctpChunk {
  /** A value of `SCTP_CHUNK`, or the type of an extension. */
  readonly type: number;
  readonly flags: number;
  /** Behind its 4 bytes of header, without padding; a view. */
  readonly value: Uint8Array;
}

/** Reads the common header that is at `at` in a packet that ends before `end`. */
export function parseSctp(
  packet: Uint8Array,
  at: number,
  end: number = packet.length,
): SctpHeader | ParseFault {
  if (Math.min(end, packet.length) - at < SCTP_HEADER_BYTES) return 'sctp-truncated';
  return {
    sourcePort: readU16(packet, at),
    destinationPort: readU16(packet, at + 2),
    verificationTag: readU32(packet, at + 4),
    checksum: readU32(packet, at + CHECKSUM_AT),
  };
}

/** The chunks behind the common header at `at`; ends at the first that is malformed or cut off. */
export function* sctpChunks(
  packet: Uint8Array,
  at: number,
  end: number = packet.length,
): Generator<SctpChunk, void, undefined> {
  const limit = Math.min(end, packet.length);
  let cursor = at + SCTP_HEADER_BYTES;
  while (cursor + CHUNK_HEADER_BYTES <= limit) {
    const length = readU16(packet, cursor + 2);
    if (length < CHUNK_HEADER_BYTES || cursor + length > limit) return;
    yield {
      type: packet[cursor] as number,
      flags: packet[cursor + 1] as number,
      value: packet.subarray(cursor + CHUNK_HEADER_BYTES, cursor + length),
    };
    cursor += (length + 3) & ~3;
  }
}

/** Returns true if the checksum of a complete packet is right; SCTP has no pseudo header. */
export function sctpChecksumIsGood(packet: Uint8Array, at: number, end: number = packet.length): boolean {
  return sctpChecksum(packet, at, end) === readU32(packet, at + CHECKSUM_AT);
}

/** Common header and chunks, with the checksum. */
export function buildSctp(
  header: Omit<SctpHeader, 'checksum'>,
  chunks: readonly SctpChunk[] = [],
): Uint8Array {
  const packet = concatBytes(new Uint8Array(SCTP_HEADER_BYTES), ...chunks.map(chunkBytes));
  writeU16(packet, 0, header.sourcePort);
  writeU16(packet, 2, header.destinationPort);
  writeU32(packet, 4, header.verificationTag);
  writeU32(packet, CHECKSUM_AT, sctpChecksum(packet, 0, packet.length));
  return packet;
}

function chunkBytes({ type, flags, value }: SctpChunk): Uint8Array {
  const length = CHUNK_HEADER_BYTES + value.length;
  return padToWords(concatBytes(Uint8Array.of(type, flags, length >>> 8, length), value));
}

/** The checksum of a packet in the order of the wire, computed as if the checksum's own bytes were zero. */
export function sctpChecksum(packet: Uint8Array, at: number, end: number): number {
  const before = crc32c(packet, at, at + CHECKSUM_AT);
  const zeros = crc32c(new Uint8Array(CHECKSUM_BYTES), 0, CHECKSUM_BYTES, before);
  return swapBytes(crc32c(packet, at + CHECKSUM_AT + CHECKSUM_BYTES, end, zeros));
}

function swapBytes(value: number): number {
  return ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}
