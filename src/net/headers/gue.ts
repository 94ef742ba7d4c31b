// GUE headers (draft-ietf-intarea-gue).
import { readU16, readU32, writeU16, writeU32 } from '../bytes.ts';
import { internetChecksum } from '../checksum.ts';
import type { ParseFault } from '../fault.ts';
import { ownBytes } from '../owned-bytes.ts';

/** Registered with IANA; a tunnel may use any other. */
export const GUE_PORT = 6080;
/** The length without options. */
export const GUE_HEADER_BYTES = 4;
/** Private flags and the field of the one that is used. */
export const GUE_REMOTE_CHECKSUM_BYTES = 8;

/** Low bits of the first byte: words behind the first. */
const LENGTH_MASK = 0x1f;
const CONTROL = 0x20;
const VERSION_SHIFT = 6;
const FLAG_PRIVATE = 0x0001;
const PRIVATE_FLAG_REMOTE_CHECKSUM = 0x8000_0000;
const PRIVATE_FLAGS_BYTES = 4;

/**
 * Remote checksum offload: the receiver computes the transport checksum inside, whose field holds the folded sum of the
 * pseudo header meanwhile. Offsets count from behind the GUE header.
 */
export interface GueRemoteChecksum {
  /** Offset at which the sum begins; it continues to the packet's end. */
  readonly startBytes: number;
  /** Offset at which the checksum must be written. */
  readonly offsetBytes: number;
}

/**
 * A GUE header (draft-ietf-intarea-gue, version 0), the UDP header before it not included. Flags and options are those of
 * Linux (include/net/gue.h), which is also what IPVS sends: a field of private flags, among them remote checksum offload.
 */
export interface GueHeader {
  readonly headerBytes: number;
  /** A control message, whose `protocol` is its type and which carries no packet. */
  readonly control: boolean;
  /** The protocol of the packet inside: `PROTOCOL.ipip`, `PROTOCOL.ipv6`. */
  readonly protocol: number;
  readonly remoteChecksum: GueRemoteChecksum | undefined;
}

export interface GueFields {
  readonly protocol: number;
  readonly remoteChecksum?: GueRemoteChecksum | undefined;
}

/**
 * Reads the GUE header that is at `at` in a datagram that ends before `end`. Unknown flags are a fault, as their fields'
 * lengths aren't known. Version 1, a bare IP packet behind UDP, is one too: neither Linux nor IPVS sends it.
 */
export function parseGue(
  datagram: Uint8Array,
  at: number,
  end: number = datagram.length,
): GueHeader | ParseFault {
  const available = Math.min(end, datagram.length) - at;
  if (available < GUE_HEADER_BYTES) return 'gue-truncated';
  const first = datagram[at] as number;
  if (first >>> VERSION_SHIFT !== 0) return 'gue-version';
  const headerBytes = GUE_HEADER_BYTES + (first & LENGTH_MASK) * 4;
  if (headerBytes > available) return 'gue-truncated';
  const remoteChecksum = parseOptions(datagram, at, headerBytes);
  if (typeof remoteChecksum === 'string') return remoteChecksum;
  return {
    headerBytes,
    control: (first & CONTROL) !== 0,
    protocol: datagram[at + 1] as number,
    remoteChecksum,
  };
}

/** The header and `payload` behind it. */
export function buildGue({ protocol, remoteChecksum }: GueFields, payload: Uint8Array): Uint8Array {
  const optionBytes = remoteChecksum === undefined ? 0 : GUE_REMOTE_CHECKSUM_BYTES;
  const bytes = new Uint8Array(GUE_HEADER_BYTES + optionBytes + payload.length);
  bytes[0] = optionBytes / 4;
  bytes[1] = protocol;
  bytes.set(payload, GUE_HEADER_BYTES + optionBytes);
  if (remoteChecksum === undefined) return bytes;
  writeU16(bytes, 2, FLAG_PRIVATE);
  writeU32(bytes, 4, PRIVATE_FLAG_REMOTE_CHECKSUM);
  writeU16(bytes, 8, remoteChecksum.startBytes);
  writeU16(bytes, 10, remoteChecksum.offsetBytes);
  return bytes;
}

/**
 * A copy of what a header with `remote` carried, its checksum computed as the receiver has to; undefined if the offsets point
 * beyond it.
 */
export function finishRemoteChecksum(payload: Uint8Array, remote: GueRemoteChecksum): Uint8Array | undefined {
  const { startBytes, offsetBytes } = remote;
  if (startBytes > offsetBytes || offsetBytes + 2 > payload.length) return undefined;
  const copy = ownBytes(payload);
  writeU16(copy, offsetBytes, internetChecksum(payload, startBytes, payload.length));
  return copy;
}

function parseOptions(
  datagram: Uint8Array,
  at: number,
  headerBytes: number,
): GueRemoteChecksum | undefined | ParseFault {
  const flags = readU16(datagram, at + 2);
  if ((flags & ~FLAG_PRIVATE) !== 0) return 'gue-flags';
  if (flags === 0) return undefined;
  const privateAt = GUE_HEADER_BYTES + PRIVATE_FLAGS_BYTES;
  if (privateAt > headerBytes) return 'gue-options';
  const privateFlags = readU32(datagram, at + GUE_HEADER_BYTES);
  if (privateFlags === 0) return undefined;
  if (privateFlags !== PRIVATE_FLAG_REMOTE_CHECKSUM) return 'gue-flags';
  if (GUE_HEADER_BYTES + GUE_REMOTE_CHECKSUM_BYTES > headerBytes) return 'gue-options';
  return {
    startBytes: readU16(datagram, at + privateAt),
    offsetBytes: readU16(datagram, at + privateAt + 2),
  };
}
