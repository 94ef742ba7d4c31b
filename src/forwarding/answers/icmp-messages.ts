// Decides ICMP and ICMPv6 packets to a VIP: answers echo requests and relays errors to the real they concern.
import { formatIp, type IpFamily } from '../../net/address/ip-address.ts';
import { internetChecksum, transportChecksum } from '../../net/checksum.ts';
import { ICMP_HEADER_BYTES, ICMP_TYPE } from '../../net/headers/icmp.ts';
import { ICMPV6_TYPE } from '../../net/headers/icmpv6.ts';
import { PROTOCOL } from '../../net/headers/ipv4.ts';
import type { Decision } from '../decision.ts';
import { type Context, countForwarded } from '../decision-context.ts';
import type { IpHeader, IpPacket } from '../packets/ip-header.ts';
import { findFlow, readQuoted } from '../packets/quoted-flow.ts';
import { sendAnyway } from '../to-real.ts';
import { badChecksum, replyEcho } from './reply.ts';

export const ECHO_REQUEST: Readonly<Record<IpFamily, number>> = {
  4: ICMP_TYPE.echoRequest,
  6: ICMPV6_TYPE.echoRequest,
};

/** ICMP types that are relayed to a real. As in IPVS, redirect and parameter problem of IPv4 are not. */
const RELAYED_ERRORS: Readonly<Record<IpFamily, readonly number[]>> = {
  4: [ICMP_TYPE.destinationUnreachable, ICMP_TYPE.sourceQuench, ICMP_TYPE.timeExceeded],
  6: [
    ICMPV6_TYPE.destinationUnreachable,
    ICMPV6_TYPE.packetTooBig,
    ICMPV6_TYPE.timeExceeded,
    ICMPV6_TYPE.parameterProblem,
  ],
};

/**
 * Decides an ICMP packet to a VIP: echo requests are answered, errors about a real's answers go to that real, the rest is
 * dropped.
 */
export function decideIcmp(context: Context, packet: IpPacket): Decision {
  const { bytes, header } = packet;
  const { family, headerBytes } = header;
  if (bytes.length - headerBytes < ICMP_HEADER_BYTES)
    return unknown(context, 'It is a truncated ICMP message');
  const type = bytes[headerBytes] as number;
  if (type === ECHO_REQUEST[family]) {
    return checksumIsGood(packet) ? replyEcho(context, packet) : badChecksum(context);
  }
  return RELAYED_ERRORS[family].includes(type)
    ? relayError(context, packet)
    : unknown(context, `${family === 4 ? 'ICMP' : 'ICMPv6'} type ${type} does not concern a flow`);
}

/** Returns true for ICMP over IPv4 and ICMPv6 over IPv6, and false for the other family's protocol number. */
export function isIcmp({ family, protocol }: IpHeader): boolean {
  return protocol === (family === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6);
}

/** Returns true if the ICMP checksum is good. The checksum of ICMPv6 also covers a pseudo header. */
function checksumIsGood({ bytes, header }: IpPacket): boolean {
  const { family, headerBytes, source, destination, protocol } = header;
  if (family === 4) return internetChecksum(bytes, headerBytes, bytes.length) === 0;
  return transportChecksum(bytes.subarray(headerBytes), source, destination, protocol) === 0;
}

/** Sends an ICMP error to the real it concerns, without checking either checksum: the real checks them. IPVS does the same. */
function relayError(context: Context, packet: IpPacket): Decision {
  const { bytes, header } = packet;
  const quoted = readQuoted(bytes, header.headerBytes + ICMP_HEADER_BYTES);
  if (quoted === undefined) return unknown(context, 'It is an ICMP error that quotes no ports');
  const target = findFlow(context.state.image, {
    protocol: quoted.protocol,
    vip: quoted.header.source,
    servicePort: quoted.sourcePort,
    client: quoted.header.destination,
    clientPort: quoted.destinationPort,
  });
  if (target === undefined) return unknown(context, 'It is an ICMP error that does not concern a known flow');
  const { real } = target;
  context.trace?.(`It is an ICMP error about an answer of ${formatIp(real.address)}.`);
  countForwarded(context, { real: real.index, connection: false }, bytes.length);
  if (header.ttl <= 1) return { verdict: 'drop', reason: 'ttl-expired' };
  return sendAnyway(context, packet, real, 'icmp-relayed');
}

function unknown(context: Context, why: string): Decision {
  context.trace?.(`${why}: it is dropped.`);
  return { verdict: 'drop', reason: 'icmp-unknown' };
}
