// UDP headers (RFC 768).
import type { IpAddress } from '../address/ip-address.ts';
import { readU16, writeU16 } from '../bytes.ts';
import { transportChecksum } from '../checksum.ts';
import type { ParseFault } from '../fault.ts';
import { PROTOCOL } from './ipv4.ts';

export const UDP_HEADER_BYTES = 8;

/** A UDP header (RFC 768). */
export interface UdpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Header and payload. */
  readonly length: number;
  /** 0: the sender computed none. */
  readonly checksum: number;
}

export interface UdpFields {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
  /** False leaves the checksum 0: none. Over IPv6 only tunnels may do so (RFC 6935). */
  readonly withChecksum?: boolean;
}

/** Reads the UDP header that is at `at` in a packet that ends before `end`. */
export function parseUdp(
  packet: Uint8Array,
  at: number,
  end: number = packet.length,
): UdpHeader | ParseFault {
  const available = Math.min(end, packet.length) - at;
  if (available < UDP_HEADER_BYTES) return 'udp-truncated';
  const length = readU16(packet, at + 4);
  if (length < UDP_HEADER_BYTES || length > available) return 'udp-length';
  return {
    sourcePort: readU16(packet, at),
    destinationPort: readU16(packet, at + 2),
    length,
    checksum: readU16(packet, at + 6),
  };
}

/** A UDP datagram: header and payload. */
export function buildUdp(fields: UdpFields): Uint8Array {
  const datagram = new Uint8Array(UDP_HEADER_BYTES + fields.payload.length);
  writeU16(datagram, 0, fields.sourcePort);
  writeU16(datagram, 2, fields.destinationPort);
  writeU16(datagram, 4, datagram.length);
  datagram.set(fields.payload, UDP_HEADER_BYTES);
  if (fields.withChecksum === false) return datagram;
  const checksum = transportChecksum(datagram, fields.source, fields.destination, PROTOCOL.udp);
  // RFC 768: a computed checksum of zero is sent as all ones, since zero says that there is none.
  writeU16(datagram, 6, checksum === 0 ? 0xffff : checksum);
  return datagram;
}
