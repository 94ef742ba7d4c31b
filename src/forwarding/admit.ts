import { readU32 } from '../net/bytes.ts';
import { isFault, PARSE_FAULTS } from '../net/fault.ts';
import { IPV4_AT, IPV4_HEADER_BYTES, ipv4ChecksumIsGood, parseIpv4Header } from '../net/ipv4.ts';
import { formatIpv4, type Ipv4Address } from '../net/ipv4-address.ts';
import type { Context, VipPacket } from './context.ts';
import type { Decision } from './decision.ts';
import { fillInOptions } from './ip-options.ts';

/** The checks that come before all else: a sound packet to a VIP, or what becomes of another. */
export function admit(context: Context, packet: Uint8Array): VipPacket | Decision {
  const { image } = context.state;
  if (packet.length < IPV4_HEADER_BYTES) return pass(context, 'It is too short to have a destination');
  const destination = readU32(packet, IPV4_AT.destination) as Ipv4Address;
  if (!image.isVip(destination)) return pass(context, `${formatIpv4(destination)} is not a VIP`);
  const header = parseIpv4Header(packet);
  if (isFault(header)) {
    context.trace?.(`It is malformed: ${PARSE_FAULTS[header]}.`);
    return { verdict: 'drop', reason: 'malformed-ip' };
  }
  if (!ipv4ChecksumIsGood(packet, 0, header.headerBytes)) {
    context.trace?.('Its IP header checksum is wrong.');
    return { verdict: 'drop', reason: 'bad-ip-checksum' };
  }
  const bytes = packet.subarray(0, header.totalLength);
  if (header.headerBytes === IPV4_HEADER_BYTES) return { bytes, header };
  const filled = fillInOptions(bytes, header.headerBytes, { address: destination, nowMs: context.nowMs });
  if (typeof filled === 'string') {
    context.trace?.(`Its IP options are refused (${filled}).`);
    return { verdict: 'drop', reason: filled };
  }
  context.trace?.('It has IP options; record route and timestamp are filled in.');
  return { bytes: filled, header };
}

function pass(context: Context, why: string): Decision {
  context.trace?.(`${why}: it is left to the host's own stack.`);
  return { verdict: 'pass', reason: 'not-ours' };
}
