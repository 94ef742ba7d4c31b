import { ip, ipBytes } from '../../../../src/net/address/ip-address.ts';
import { writeU16, writeU32 } from '../../../../src/net/bytes.ts';
import { foldChecksum, sumWords } from '../../../../src/net/checksum.ts';
import { IPV4_HEADER_BYTES, writeIpv4Checksum } from '../../../../src/net/headers/ipv4.ts';
import { TCP_FLAGS } from '../../../../src/net/headers/tcp.ts';

/** Protocols and next headers. */
export const PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  fragment: 44,
  gre: 47,
  icmpv6: 58,
  destination: 60,
} as const;
export const IPV6_HEADER_BYTES = 40;
const TCP_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;
const DATA = 0x61;

/** Both addresses of one family. What is left out of IPv4: DF set, ID 0x1234. */
export interface IpOptions {
  readonly source: string;
  readonly destination: string;
  /** TTL or hop limit, 64 unless given. */
  readonly ttl?: number;
  /** Traffic class: DSCP and ECN. */
  readonly tos?: number;
  readonly flowLabel?: number;
  /** Of IPv4, flags and fragment offset as they stand in the header. */
  readonly fragment?: number;
  readonly id?: number;
}

export interface TransportOptions extends IpOptions {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly flags?: number;
  readonly dataBytes?: number;
  readonly noChecksum?: boolean;
}

/** DF of IPv4, in the word of flags and fragment offset. */
export const DF = 0x4000;

export function ipPacket(options: IpOptions, protocol: number, payload: Uint8Array): Uint8Array {
  const build = options.source.includes(':') ? ipv6Header : ipv4Header;
  return Uint8Array.from([...build(options, protocol, payload.length), ...payload]);
}

export function tcpPacket(options: TransportOptions): Uint8Array {
  const { sourcePort, destinationPort, flags = TCP_FLAGS.syn, dataBytes = 0 } = options;
  const segment = new Uint8Array(TCP_HEADER_BYTES + dataBytes).fill(DATA, TCP_HEADER_BYTES);
  writeU16(segment, 0, sourcePort);
  writeU16(segment, 2, destinationPort);
  writeU32(segment, 4, 1000);
  segment[12] = (TCP_HEADER_BYTES / 4) << 4;
  segment[13] = flags;
  writeU16(segment, 14, 0xffff);
  return ipPacket(options, PROTOCOL.tcp, withChecksum(segment, 16, options, PROTOCOL.tcp));
}

export function udpPacket(options: TransportOptions): Uint8Array {
  const { sourcePort, destinationPort, dataBytes = 0, noChecksum = false } = options;
  const datagram = new Uint8Array(UDP_HEADER_BYTES + dataBytes).fill(DATA, UDP_HEADER_BYTES);
  writeU16(datagram, 0, sourcePort);
  writeU16(datagram, 2, destinationPort);
  writeU16(datagram, 4, datagram.length);
  if (!noChecksum) withChecksum(datagram, 6, options, PROTOCOL.udp);
  return ipPacket(options, PROTOCOL.udp, datagram);
}

/** ICMP or ICMPv6 by the family of the addresses; `rest` is the second word. */
export function icmpPacket(
  options: IpOptions,
  { type, code, rest = 0 }: { readonly type: number; readonly code: number; readonly rest?: number },
  quoted: Uint8Array,
): Uint8Array {
  const message = new Uint8Array(8 + quoted.length);
  message.set([type, code]);
  writeU32(message, 4, rest);
  message.set(quoted, 8);
  if (options.source.includes(':')) {
    return ipPacket(options, PROTOCOL.icmpv6, withChecksum(message, 2, options, PROTOCOL.icmpv6));
  }
  writeU16(message, 2, foldChecksum(sumWords(message, 0, message.length)));
  return ipPacket(options, PROTOCOL.icmp, message);
}

function ipv4Header(options: IpOptions, protocol: number, payloadBytes: number): Uint8Array {
  const { source, destination, ttl = 64, tos = 0, fragment = DF, id = 0x1234 } = options;
  const header = new Uint8Array(IPV4_HEADER_BYTES);
  header.set([0x45, tos]);
  writeU16(header, 2, header.length + payloadBytes);
  writeU16(header, 4, id);
  writeU16(header, 6, fragment);
  header.set([ttl, protocol], 8);
  header.set(ipBytes(ip(source)), 12);
  header.set(ipBytes(ip(destination)), 16);
  writeIpv4Checksum(header, 0, header.length);
  return header;
}

function ipv6Header(options: IpOptions, nextHeader: number, payloadBytes: number): Uint8Array {
  const { source, destination, ttl = 64, tos = 0, flowLabel = 0 } = options;
  const header = new Uint8Array(IPV6_HEADER_BYTES);
  writeU32(header, 0, ((6 << 28) | (tos << 20) | flowLabel) >>> 0);
  writeU16(header, 4, payloadBytes);
  header.set([nextHeader, ttl], 6);
  header.set(ipBytes(ip(source)), 8);
  header.set(ipBytes(ip(destination)), 24);
  return header;
}

/** Over the pseudo header (RFC 9293, section 3.1; RFC 8200, section 8.1): the sums of both families are alike. */
function withChecksum(
  bytes: Uint8Array,
  at: number,
  { source, destination }: IpOptions,
  protocol: number,
): Uint8Array {
  const addresses = Buffer.concat([ipBytes(ip(source)), ipBytes(ip(destination))]);
  const pseudo = sumWords(addresses, 0, addresses.length, bytes.length + protocol);
  writeU16(bytes, at, foldChecksum(sumWords(bytes, 0, bytes.length, pseudo)));
  return bytes;
}
