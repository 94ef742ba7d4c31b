// Echo requests of checks, and what comes back.
import type { IpAddress, IpFamily } from '../../../net/address/ip-address.ts';
import { readU16 } from '../../../net/bytes.ts';
import { buildIcmp, ICMP_HEADER_BYTES, ICMP_TYPE } from '../../../net/headers/icmp.ts';
import { ICMPV6_TYPE } from '../../../net/headers/icmpv6.ts';
import { PROTOCOL, parseIpv4Header, parseQuotedIpv4Header } from '../../../net/headers/ipv4.ts';
import { IPV6_HEADER_BYTES, parseIpv6Header, parseQuotedIpv6Header } from '../../../net/headers/ipv6.ts';

/** The result of an echo request to `destination`: its data back, or an error that quotes it. */
export interface EchoAnswer {
  readonly destination: IpAddress;
  readonly identifier: number;
  readonly data: Uint8Array;
  /** The error; undefined if the request was answered. */
  readonly trouble: string | undefined;
}

/** ICMP and ICMPv6 echo differ in their types only: ICMPv6's checksum, which has a pseudo header, is the kernel's. */
const TYPES = {
  4: { request: ICMP_TYPE.echoRequest, reply: ICMP_TYPE.echoReply, timeExceeded: ICMP_TYPE.timeExceeded },
  6: {
    request: ICMPV6_TYPE.echoRequest,
    reply: ICMPV6_TYPE.echoReply,
    timeExceeded: ICMPV6_TYPE.timeExceeded,
  },
} as const;
const UNREACHABLE = {
  4: ['network unreachable', 'no route to host', 'protocol unreachable', 'port unreachable'],
  6: ['network unreachable', 'prohibited', 'network unreachable', 'no route to host', 'port unreachable'],
} as const;
const UNREACHABLE_TYPE = { 4: ICMP_TYPE.destinationUnreachable, 6: ICMPV6_TYPE.destinationUnreachable };
const IDENTIFIER_AT = 4;

export function buildEchoRequest({
  family,
  identifier,
  token,
}: {
  readonly family: IpFamily;
  readonly identifier: number;
  readonly token: Uint8Array;
}): Uint8Array {
  const rest = ((identifier << 16) | 1) >>> 0;
  return buildIcmp({ type: TYPES[family].request, code: 0, rest, payload: token });
}

/** Reads a whole packet of either family; undefined if it is not about an echo request. */
export function readEchoAnswer(packet: Uint8Array): EchoAnswer | undefined {
  const ip = readHeader(packet, 0, false);
  if (ip === undefined || ip.end < ip.at + ICMP_HEADER_BYTES) return undefined;
  const message = packet.subarray(ip.at, ip.end);
  if (message[0] !== TYPES[ip.family].reply) return readError(message, ip.family);
  const data = message.subarray(ICMP_HEADER_BYTES);
  return { destination: ip.source, identifier: readU16(message, IDENTIFIER_AT), data, trouble: undefined };
}

/** An error quotes the request, from its IP header on. */
function readError(message: Uint8Array, family: IpFamily): EchoAnswer | undefined {
  const quoted = readHeader(message, ICMP_HEADER_BYTES, true);
  if (quoted?.family !== family || message.length < quoted.at + ICMP_HEADER_BYTES) return undefined;
  if (message[quoted.at] !== TYPES[family].request) return undefined;
  const identifier = readU16(message, quoted.at + IDENTIFIER_AT);
  const data = new Uint8Array(0);
  return { destination: quoted.destination, identifier, data, trouble: troubleOf(message, family) };
}

function troubleOf(message: Uint8Array, family: IpFamily): string {
  if (message[0] === TYPES[family].timeExceeded) return 'time to live exceeded';
  const words = message[0] === UNREACHABLE_TYPE[family] ? UNREACHABLE[family][message[1] ?? -1] : undefined;
  return words ?? 'unreachable';
}

interface Header {
  readonly family: IpFamily;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** The offsets at which the ICMP message begins and ends. */
  readonly at: number;
  readonly end: number;
}

/** Reads the header; undefined unless ICMP follows it directly. */
function readHeader(bytes: Uint8Array, at: number, isQuoted: boolean): Header | undefined {
  if ((bytes[at] ?? 0) >> 4 === 6) {
    const header = isQuoted ? parseQuotedIpv6Header(bytes, at) : parseIpv6Header(bytes, at);
    if (typeof header === 'string' || header.nextHeader !== PROTOCOL.icmpv6) return undefined;
    return { ...header, family: 6, at: at + IPV6_HEADER_BYTES, end: at + header.totalLength };
  }
  const header = isQuoted ? parseQuotedIpv4Header(bytes, at) : parseIpv4Header(bytes, at);
  if (typeof header === 'string' || header.protocol !== PROTOCOL.icmp) return undefined;
  return { ...header, family: 4, at: at + header.headerBytes, end: at + header.totalLength };
}
