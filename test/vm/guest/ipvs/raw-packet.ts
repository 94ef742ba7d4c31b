import { writeU16, writeU32 } from '../../../../src/net/bytes.ts';
import { foldChecksum, sumWords } from '../../../../src/net/checksum.ts';
import { ip, ipBytes } from '../../../../src/net/ip-address.ts';
import { TCP_FLAGS } from '../../../../src/net/tcp.ts';

export const NEXT_HEADER = {
  hopByHop: 0,
  tcp: 6,
  udp: 17,
  fragment: 44,
  icmpv6: 58,
  destination: 60,
} as const;
const IPV6_HEADER_BYTES = 40;
const TCP_HEADER_BYTES = 20;

export interface Ipv6Options {
  readonly source: string;
  readonly destination: string;
  readonly hopLimit?: number;
  /** DSCP and ECN. */
  readonly trafficClass?: number;
  readonly flowLabel?: number;
}

export interface Ipv6Tcp extends Ipv6Options {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly flags?: number;
  readonly dataBytes?: number;
}

/** An IPv6 packet in hexadecimal. */
export function ipv6Packet(options: Ipv6Options, nextHeader: number, payload: Uint8Array): string {
  const { source, destination, hopLimit = 64, trafficClass = 0, flowLabel = 0 } = options;
  const header = new Uint8Array(IPV6_HEADER_BYTES);
  writeU32(header, 0, ((6 << 28) | (trafficClass << 20) | flowLabel) >>> 0);
  writeU16(header, 4, payload.length);
  header[6] = nextHeader;
  header[7] = hopLimit;
  header.set(ipBytes(ip(source)), 8);
  header.set(ipBytes(ip(destination)), 24);
  return Buffer.concat([header, payload]).toString('hex');
}

export function ipv6Tcp(options: Ipv6Tcp): string {
  return ipv6Packet(options, NEXT_HEADER.tcp, tcpSegment(options));
}

export function tcpSegment(options: Ipv6Tcp): Uint8Array {
  const { sourcePort, destinationPort, flags = TCP_FLAGS.syn, dataBytes = 0 } = options;
  const segment = new Uint8Array(TCP_HEADER_BYTES + dataBytes);
  writeU16(segment, 0, sourcePort);
  writeU16(segment, 2, destinationPort);
  writeU32(segment, 4, 1000);
  segment[12] = (TCP_HEADER_BYTES / 4) << 4;
  segment[13] = flags;
  writeU16(segment, 14, 0xffff);
  segment.set(data(dataBytes), TCP_HEADER_BYTES);
  return withChecksum(segment, 16, options, NEXT_HEADER.tcp);
}

export function udpDatagram(options: Ipv6Tcp): Uint8Array {
  const { sourcePort, destinationPort, dataBytes = 0 } = options;
  const datagram = new Uint8Array(8 + dataBytes);
  writeU16(datagram, 0, sourcePort);
  writeU16(datagram, 2, destinationPort);
  writeU16(datagram, 4, datagram.length);
  datagram.set(data(dataBytes), 8);
  return withChecksum(datagram, 6, options, NEXT_HEADER.udp);
}

/** Over the pseudo header of RFC 8200, section 8.1. */
export function withChecksum(
  bytes: Uint8Array,
  at: number,
  { source, destination }: Ipv6Options,
  nextHeader: number,
): Uint8Array {
  const addresses = Buffer.concat([ipBytes(ip(source)), ipBytes(ip(destination))]);
  const pseudo = sumWords(addresses, 0, addresses.length, bytes.length + nextHeader);
  writeU16(bytes, at, foldChecksum(sumWords(bytes, 0, bytes.length, pseudo)));
  return bytes;
}

/** Bytes that tell places apart. */
function data(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7) & 255);
}
