// Builds the packets that answer a client from the VIP: ICMP errors, echo replies and TCP resets.
import { familyOf, type IpAddress, type IpFamily, isIpv6 } from '../../net/address/ip-address.ts';
import { isIpv6Multicast } from '../../net/address/ipv6-multicast.ts';
import { readU32 } from '../../net/bytes.ts';
import {
  buildIcmp,
  ICMP_CODE,
  ICMP_HEADER_BYTES,
  ICMP_TYPE,
  type IcmpFields,
} from '../../net/headers/icmp.ts';
import { buildIcmpv6, ICMPV6_CODE, ICMPV6_HEADER_BYTES, ICMPV6_TYPE } from '../../net/headers/icmpv6.ts';
import { PROTOCOL } from '../../net/headers/ipv4.ts';
import { IPV6_HEADER_BYTES, IPV6_MIN_MTU_BYTES } from '../../net/headers/ipv6.ts';
import { buildTcp, TCP_FLAGS, type TcpHeader } from '../../net/headers/tcp.ts';
import { buildIp } from '../packets/build-ip.ts';
import type { IpHeader } from '../packets/ip-header.ts';

/**
 * The size of an ICMP error at most: IPv4 quotes as much as fits 576 bytes (RFC 1812, section 4.3.2.3), IPv6 as much as fits its
 * least MTU (RFC 4443, section 2.4 c).
 */
export const QUOTE_BYTES: Readonly<Record<IpFamily, number>> = {
  4: 548,
  6: IPV6_MIN_MTU_BYTES - IPV6_HEADER_BYTES - ICMPV6_HEADER_BYTES,
};
/** RFC 1812, section 4.3.2.5: precedence 6, internetwork control. */
const ICMP_ERROR_TOS = 0xc0;
const ECN = 0x03;
const ICMP: Readonly<Record<IpFamily, number>> = { 4: PROTOCOL.icmp, 6: PROTOCOL.icmpv6 };

export interface IcmpError {
  /** The ICMP type, in the numbers of the packet's own family. */
  readonly type: number;
  readonly code: number;
  /** The second word of the ICMP header. */
  readonly rest?: number;
  /** The packet that the error is about; as much as fits is quoted. */
  readonly about: Uint8Array;
  readonly id: number;
}

export type ErrorKind =
  | 'host-unreachable'
  | 'port-unreachable'
  | 'protocol-unreachable'
  | 'time-exceeded'
  | 'too-big';

/** Type and code of each error, by address family. */
export const ICMP_ERRORS: Readonly<
  Record<ErrorKind, Readonly<Record<IpFamily, Pick<IcmpError, 'type' | 'code'>>>>
> = {
  'host-unreachable': {
    4: { type: ICMP_TYPE.destinationUnreachable, code: ICMP_CODE.hostUnreachable },
    6: { type: ICMPV6_TYPE.destinationUnreachable, code: ICMPV6_CODE.addressUnreachable },
  },
  'port-unreachable': {
    4: { type: ICMP_TYPE.destinationUnreachable, code: ICMP_CODE.portUnreachable },
    6: { type: ICMPV6_TYPE.destinationUnreachable, code: ICMPV6_CODE.portUnreachable },
  },
  'protocol-unreachable': {
    4: { type: ICMP_TYPE.destinationUnreachable, code: ICMP_CODE.protocolUnreachable },
    6: { type: ICMPV6_TYPE.parameterProblem, code: ICMPV6_CODE.unrecognizedNextHeader },
  },
  'time-exceeded': {
    4: { type: ICMP_TYPE.timeExceeded, code: ICMP_CODE.ttlExceeded },
    6: { type: ICMPV6_TYPE.timeExceeded, code: ICMPV6_CODE.hopLimitExceeded },
  },
  'too-big': {
    4: { type: ICMP_TYPE.destinationUnreachable, code: ICMP_CODE.fragmentationNeeded },
    6: { type: ICMPV6_TYPE.packetTooBig, code: 0 },
  },
};

/**
 * Builds an ICMP error about a packet; its source is the address that the packet was sent to. The traffic class of ICMPv6 is 0.
 */
export function buildIcmpError(header: IpHeader, { about, id, ...error }: IcmpError): Uint8Array {
  const payload = about.subarray(0, QUOTE_BYTES[header.family]);
  const tos = header.family === 4 ? ICMP_ERROR_TOS : 0;
  return buildIp(
    { ...turned(header), protocol: ICMP[header.family], tos, id },
    icmpMessage(turned(header), { ...error, payload }),
  );
}

/** Builds an echo request from the director itself, with DF set. */
export function buildEchoRequest(fields: {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** Identifier and sequence number. */
  readonly rest: number;
  readonly data: Uint8Array;
}): Uint8Array {
  const { source, destination, rest, data: payload } = fields;
  const family = familyOf(source);
  const type = family === 4 ? ICMP_TYPE.echoRequest : ICMPV6_TYPE.echoRequest;
  const message = icmpMessage({ source, destination }, { type, code: 0, rest, payload });
  return buildIp({ source, destination, protocol: ICMP[family], dontFragment: true }, message);
}

/** Builds the reply to an echo request: the same data (RFC 792, RFC 4443), without options and extension headers. */
export function buildEchoReply(packet: Uint8Array, header: IpHeader, id: number): Uint8Array {
  const at = header.headerBytes;
  const message = icmpMessage(turned(header), {
    type: header.family === 4 ? ICMP_TYPE.echoReply : ICMPV6_TYPE.echoReply,
    code: packet[at + 1] as number,
    rest: readU32(packet, at + 4),
    payload: packet.subarray(at + ICMP_HEADER_BYTES),
  });
  return buildIp({ ...turned(header), protocol: ICMP[header.family], tos: header.tos, id }, message);
}

/** Builds the reset that a closed port sends (RFC 9293, section 3.10.7.1). */
export function buildReset(packet: Uint8Array, header: IpHeader, tcp: TcpHeader): Uint8Array {
  const dataBytes = packet.length - header.headerBytes - tcp.headerBytes;
  const controls = (tcp.flags & TCP_FLAGS.syn ? 1 : 0) + (tcp.flags & TCP_FLAGS.fin ? 1 : 0);
  const acknowledges = (tcp.flags & TCP_FLAGS.ack) !== 0;
  const numbers = acknowledges
    ? { sequence: tcp.acknowledgment, flags: TCP_FLAGS.rst }
    : {
        acknowledgment: (tcp.sequence + dataBytes + controls) >>> 0,
        flags: TCP_FLAGS.rst | TCP_FLAGS.ack,
      };
  const segment = buildTcp({
    ...turned(header),
    sourcePort: tcp.destinationPort,
    destinationPort: tcp.sourcePort,
    window: 0,
    ...numbers,
  });
  return buildAnswer(header, segment);
}

/**
 * Builds a packet of the same protocol back to the sender of another one. DF is set and the ID is 0, as in resets that Linux
 * sends; Linux keeps the ECN bits over IPv4 but not over IPv6.
 */
export function buildAnswer(header: IpHeader, payload: Uint8Array): Uint8Array {
  const { family, protocol } = header;
  const tos = family === 4 ? header.tos : header.tos & ~ECN;
  return buildIp({ ...turned(header), protocol, tos, dontFragment: true }, payload);
}

/**
 * Returns true if an answer to this source can reach a client. Unspecified, loopback, multicast and reserved addresses cannot be
 * reached, nor can link-local or IPv4-mapped ones of IPv6, which no router forwards.
 */
export function isAnswerable(source: IpAddress): boolean {
  if (isIpv6(source)) {
    const isLow = source >> 32n === 0n || source >> 32n === 0xffffn;
    return !isLow && !isIpv6Multicast(source) && source >> 118n !== 0xfe80n >> 6n;
  }
  const network = source >>> 24;
  return network !== 0 && network !== 127 && network < 224;
}

type Addresses = Pick<IpHeader, 'source' | 'destination'>;

function turned({ source, destination }: IpHeader): Addresses {
  return { source: destination, destination: source };
}

/** @param addresses addresses of the packet that the message is about */
function icmpMessage({ source, destination }: Addresses, fields: IcmpFields): Uint8Array {
  return isIpv6(source) && isIpv6(destination)
    ? buildIcmpv6({ ...fields, source, destination })
    : buildIcmp(fields);
}
