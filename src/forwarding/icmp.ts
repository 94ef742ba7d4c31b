import { internetChecksum } from '../net/checksum.ts';
import { isFault } from '../net/fault.ts';
import { ICMP_HEADER_BYTES, ICMP_TYPE, parseIcmp } from '../net/icmp.ts';
import { formatIp } from '../net/ip-address.ts';
import { type Context, countForwarded, type VipPacket } from './context.ts';
import type { Decision } from './decision.ts';
import { findFlow, readQuoted } from './quoted-flow.ts';
import { badChecksum, replyEcho } from './reply.ts';
import { sendAnyway } from './to-real.ts';

/** ICMP to a VIP: echo is answered here, errors about a real's answers go to that real, all else is dropped. */
export function decideIcmp(context: Context, packet: VipPacket): Decision {
  const { bytes, header } = packet;
  const icmp = parseIcmp(bytes, header.headerBytes);
  if (isFault(icmp)) return unknown(context, 'It is a truncated ICMP message');
  switch (icmp.type) {
    case ICMP_TYPE.echoRequest:
      if (internetChecksum(bytes, header.headerBytes, bytes.length) !== 0) return badChecksum(context);
      return replyEcho(context, packet);
    case ICMP_TYPE.destinationUnreachable:
    case ICMP_TYPE.sourceQuench:
    case ICMP_TYPE.timeExceeded:
      return relayError(context, packet);
    default:
      return unknown(context, `ICMP type ${icmp.type} is for no flow`);
  }
}

/** As IPVS does, without a look at either checksum: the real judges it. */
function relayError(context: Context, packet: VipPacket): Decision {
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
  if (target === undefined) return unknown(context, 'It is an ICMP error about no flow that is known');
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
