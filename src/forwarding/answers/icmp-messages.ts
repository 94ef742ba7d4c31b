// Decides about ICMP messages to a VIP.
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

/** As IPVS: of IPv4 neither redirect nor parameter problem. */
const RELAYED_ERRORS: Readonly<Record<IpFamily, readonly number[]>> = {
  4: [ICMP_TYPE.destinationUnreachable, ICMP_TYPE.sourceQuench, ICMP_TYPE.timeExceeded],
  6: [
    ICMPV6_TYPE.destinationUnreachable,
    ICMPV6_TYPE.packetTooBig,
    ICMPV6_TYPE.timeExceeded,
    ICMPV6_TYPE.parameterProblem,
  ],
};

/** ICMP to a VIP: echo is answered here, errors about a real's answers go to that real, all else is dropped. */
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

/** ICMP of the packet's own family; the other family's is none. */
export function isIcmp({ family, protocol }: IpHeader): boolean {
  return protocol === (family === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6);
}

/** Those of ICMPv6 are covered by a pseudo header. */
function checksumIsGood({ bytes, header }: IpPacket): boolean {
  const { family, headerBytes, source, destination, protocol } = header;
  if (family === 4) return internetChecksum(bytes, headerBytes, bytes.length) === 0;
  return transportChecksum(bytes.subarray(headerBytes), source, destination, protocol) === 0;
}

/** As IPVS does, without a look at either checksum: the real judges it. */
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
