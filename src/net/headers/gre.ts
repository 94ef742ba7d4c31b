// GRE headers (RFC 2784).
import { readU16, readU32, writeU16, writeU32 } from '../bytes.ts';
import { internetChecksum } from '../checksum.ts';
import type { ParseFault } from '../fault.ts';

/** The length without optional fields. */
export const GRE_HEADER_BYTES = 4;
/** Each optional field takes as much. */
export const GRE_FIELD_BYTES = 4;

const FLAG = { checksum: 0x8000, key: 0x2000, sequence: 0x1000 } as const;
/** Routing, strict source route and recursion of RFC 1701: a packet with one of them is to be discarded (RFC 2784, 2.3). */
const FORBIDDEN_FLAGS = 0x4c00;
const VERSION_MASK = 7;

/** A GRE header (RFC 2784) with the extensions of RFC 2890: key and sequence number are read, not refused. */
export interface GreHeader {
  readonly headerBytes: number;
  /** An EtherType: `ETHERTYPE.ipv4`, `ETHERTYPE.ipv6`. */
  readonly etherType: number;
  /** Over header and payload; undefined if there is none. */
  readonly checksum: number | undefined;
  readonly key: number | undefined;
  readonly sequence: number | undefined;
}

export interface GreFields {
  readonly etherType: number;
  /** False unless given. */
  readonly withChecksum?: boolean;
  readonly key?: number;
  readonly sequence?: number;
}

/** Reads the GRE header that is at `at` in a packet that ends before `end`. Its checksum: see `greChecksumIsGood`. */
export function parseGre(
  packet: Uint8Array,
  at: number,
  end: number = packet.length,
): GreHeader | ParseFault {
  const available = Math.min(end, packet.length) - at;
  if (available < GRE_HEADER_BYTES) return 'gre-truncated';
  const flags = readU16(packet, at);
  if ((flags & VERSION_MASK) !== 0) return 'gre-version';
  if ((flags & FORBIDDEN_FLAGS) !== 0) return 'gre-flags';
  let cursor = at + GRE_HEADER_BYTES;
  const field = (flag: number): number | undefined => {
    if ((flags & flag) === 0) return undefined;
    cursor += GRE_FIELD_BYTES;
    return readU32(packet, cursor - GRE_FIELD_BYTES);
  };
  const checksumAndReserved = field(FLAG.checksum);
  const [key, sequence] = [field(FLAG.key), field(FLAG.sequence)];
  if (cursor - at > available) return 'gre-truncated';
  return {
    headerBytes: cursor - at,
    etherType: readU16(packet, at + 2),
    checksum: checksumAndReserved === undefined ? undefined : checksumAndReserved >>> 16,
    key,
    sequence,
  };
}

/** Returns true if the checksum is right. For a header with a checksum and a complete packet. */
export function greChecksumIsGood(packet: Uint8Array, at: number, end: number = packet.length): boolean {
  return internetChecksum(packet, at, end) === 0;
}

/** The header and `payload` behind it. */
export function buildGre(fields: GreFields, payload: Uint8Array): Uint8Array {
  const { withChecksum = false, key, sequence } = fields;
  const words = [withChecksum ? 0 : undefined, key, sequence].filter((word) => word !== undefined);
  const headerBytes = GRE_HEADER_BYTES + GRE_FIELD_BYTES * words.length;
  const packet = new Uint8Array(headerBytes + payload.length);
  writeU16(
    packet,
    0,
    (withChecksum ? FLAG.checksum : 0) |
      (key === undefined ? 0 : FLAG.key) |
      (sequence === undefined ? 0 : FLAG.sequence),
  );
  writeU16(packet, 2, fields.etherType);
  for (const [index, word] of words.entries())
    writeU32(packet, GRE_HEADER_BYTES + GRE_FIELD_BYTES * index, word);
  packet.set(payload, headerBytes);
  if (withChecksum) writeU16(packet, GRE_HEADER_BYTES, internetChecksum(packet, 0, packet.length));
  return packet;
}
