// The checks that every packet to a VIP passes first: a client's source address, a sound header, a VIP as destination.
import { formatIp, type IpAddress } from '../net/address/ip-address.ts';
import type { Ipv4Address } from '../net/address/ipv4-address.ts';
import { readIpv6Address } from '../net/address/ipv6-address.ts';
import { readU32 } from '../net/bytes.ts';
import { isFault, PARSE_FAULTS } from '../net/fault.ts';
import { IPV4_AT, IPV4_HEADER_BYTES, ipv4ChecksumIsGood } from '../net/headers/ipv4.ts';
import { IPV6_AT, IPV6_HEADER_BYTES } from '../net/headers/ipv6.ts';
import type { Decision } from './decision.ts';
import type { Context } from './decision-context.ts';
import { canBeClient } from './packets/client-address.ts';
import { hasOptions, type IpPacket, parseIpHeader } from './packets/ip-header.ts';
import { fillInOptions } from './packets/ip-options.ts';

/** Returns the packet if it is a sound one to a VIP, otherwise the decision about it. Every packet passes these checks first. */
export function admit(context: Context, packet: Uint8Array): IpPacket | Decision {
  const destination = destinationOf(packet);
  if (destination === undefined) return pass(context, 'It is too short to have a destination');
  if (!context.state.image.isVip(destination)) return pass(context, `${formatIp(destination)} is not a VIP`);
  const header = parseIpHeader(packet);
  if (isFault(header)) {
    context.trace?.(`It is malformed: ${PARSE_FAULTS[header]}.`);
    return { verdict: 'drop', reason: 'malformed-ip' };
  }
  const bytes = packet.subarray(0, header.totalLength);
  const packetOf = header.family === 4 ? admitIpv4 : admitIpv6;
  const admitted = packetOf(context, { bytes, header });
  return 'verdict' in admitted || canBeClient(header.source) ? admitted : dropMartian(context);
}

/** Drops a packet from an address that no client can have. */
export function dropMartian(context: Context): Decision {
  context.trace?.('No client can have its source address: it is dropped.');
  return { verdict: 'drop', reason: 'martian-source' };
}

/** Returns the destination address. A packet whose version is not 6 counts as IPv4 until its header is parsed. */
function destinationOf(packet: Uint8Array): IpAddress | undefined {
  if ((packet[0] ?? 0) >> 4 === 6) {
    return packet.length < IPV6_HEADER_BYTES ? undefined : readIpv6Address(packet, IPV6_AT.destination);
  }
  return packet.length < IPV4_HEADER_BYTES
    ? undefined
    : (readU32(packet, IPV4_AT.destination) as Ipv4Address);
}

function admitIpv4(context: Context, packet: IpPacket): IpPacket | Decision {
  const { bytes, header } = packet;
  if (!ipv4ChecksumIsGood(bytes, 0, header.headerBytes)) {
    context.trace?.('Its IP header checksum is wrong.');
    return { verdict: 'drop', reason: 'bad-ip-checksum' };
  }
  if (!hasOptions(header)) return packet;
  const stamp = { address: readU32(bytes, IPV4_AT.destination) as Ipv4Address, nowMs: context.nowMs };
  const filled = fillInOptions(bytes, header.headerBytes, stamp);
  if (typeof filled === 'string') {
    context.trace?.(`Its IP options are refused (${filled}).`);
    return { verdict: 'drop', reason: filled };
  }
  context.trace?.('It has IP options; record route and timestamp are filled in.');
  return { bytes: filled, header };
}

/** Extension headers are carried along untouched, as IPVS does it; but a VIP is no waypoint (RFC 5095). */
function admitIpv6(context: Context, packet: IpPacket): IpPacket | Decision {
  if (packet.header.segmentsLeft > 0) {
    context.trace?.('Its routing header asks this host to send it on.');
    return { verdict: 'drop', reason: 'source-route' };
  }
  if (hasOptions(packet.header)) context.trace?.('It has IPv6 extension headers; they are carried along.');
  return packet;
}

function pass(context: Context, why: string): Decision {
  context.trace?.(`${why}: it is left to the host's own stack.`);
  return { verdict: 'pass', reason: 'not-ours' };
}
