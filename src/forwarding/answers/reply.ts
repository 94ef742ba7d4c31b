// Decisions that answer a client from the VIP, if the client can be reached and the rate limit allows it.
import { transportChecksum } from '../../net/checksum.ts';
import { isFault, PARSE_FAULTS } from '../../net/fault.ts';
import { PROTOCOL } from '../../net/headers/ipv4.ts';
import { parseSctp, sctpChecksumIsGood } from '../../net/headers/sctp.ts';
import { parseTcp, TCP_FLAGS } from '../../net/headers/tcp.ts';
import { parseUdp } from '../../net/headers/udp.ts';
import type { Decision } from '../decision.ts';
import { answerId, type Context, mayAnswer } from '../decision-context.ts';
import type { IpPacket } from '../packets/ip-header.ts';
import type { Reason } from '../reasons.ts';
import {
  buildAnswer,
  buildEchoReply,
  buildIcmpError,
  buildReset,
  type ErrorKind,
  ICMP_ERRORS,
  isAnswerable,
} from './answers.ts';
import type { RateLimiter } from './rate-limit.ts';
import { buildSctpAnswer } from './sctp-answer.ts';

interface Reply {
  readonly limiter: RateLimiter;
  readonly reason: Reason;
  /** The reason counted when the limiter withholds the answer. */
  readonly quietReason?: Reason;
  readonly build: () => Uint8Array;
}

/** Answers the packet's source, if an answer can reach it and the limiter allows it. */
export function reply(context: Context, packet: IpPacket, options: Reply): Decision {
  const { source } = packet.header;
  if (!isAnswerable(source)) {
    context.trace?.('Its source cannot be the address of a client: nothing is sent.');
    return { verdict: 'drop', reason: 'martian-source' };
  }
  if (!mayAnswer(context, options.limiter, source)) {
    context.trace?.('The rate limit withholds the answer.');
    return { verdict: 'drop', reason: options.quietReason ?? 'answer-quiet' };
  }
  return { verdict: 'answer', packet: options.build(), to: source, reason: options.reason };
}

export interface IcmpReply {
  readonly kind: ErrorKind;
  readonly rest?: number;
}

export function replyError(context: Context, packet: IpPacket, error: IcmpReply, reason: Reason): Decision {
  const { header, bytes: about } = packet;
  const { kind, rest = 0 } = error;
  const build = (): Uint8Array =>
    buildIcmpError(header, {
      ...ICMP_ERRORS[kind][header.family],
      rest,
      about,
      id: answerId(context, header),
    });
  return reply(context, packet, { limiter: context.state.limits.errors, reason, build });
}

export function replyPortUnreachable(context: Context, packet: IpPacket, reason: Reason): Decision {
  context.trace?.('The director answers with ICMP port unreachable.');
  return replyError(context, packet, { kind: 'port-unreachable' }, reason);
}

/** Answers that the packet's real cannot be reached from the director. */
export function replyHostUnreachable(context: Context, packet: IpPacket): Decision {
  context.trace?.(
    'There is no route to the real, or its next hop does not answer: the director answers with ICMP host unreachable.',
  );
  return replyError(context, packet, { kind: 'host-unreachable' }, 'no-way');
}

/** Answers as a host that does not have the packet's port or flow: a reset, an abort, or port unreachable for UDP. */
export function replyClosed(context: Context, packet: IpPacket, reason: Reason): Decision {
  const { protocol } = packet.header;
  if (protocol === PROTOCOL.tcp) return replyReset(context, packet, reason);
  return protocol === PROTOCOL.sctp
    ? replyAbort(context, packet, reason)
    : replyClosedUdp(context, packet, reason);
}

function replyReset(context: Context, packet: IpPacket, reason: Reason): Decision {
  const { bytes, header } = packet;
  const tcp = parseTcp(bytes, header.headerBytes);
  if (isFault(tcp)) return malformed(context, PARSE_FAULTS[tcp]);
  if (tcp.flags & TCP_FLAGS.rst) {
    context.trace?.('The director does not answer a reset.');
    return { verdict: 'drop', reason };
  }
  if (!checksumIsGood(packet, bytes.length)) return badChecksum(context);
  context.trace?.('The director answers with a TCP reset.');
  const build = (): Uint8Array => buildReset(bytes, header, tcp);
  return reply(context, packet, { limiter: context.state.limits.resets, reason, build });
}

function replyAbort(context: Context, packet: IpPacket, reason: Reason): Decision {
  const { bytes, header } = packet;
  const sctp = parseSctp(bytes, header.headerBytes);
  if (isFault(sctp)) return malformed(context, PARSE_FAULTS[sctp]);
  if (!sctpChecksumIsGood(bytes, header.headerBytes)) return badChecksum(context);
  const answer = buildSctpAnswer(bytes, header.headerBytes, sctp);
  if (answer === undefined) {
    context.trace?.('The director does not answer a first chunk of this type.');
    return { verdict: 'drop', reason };
  }
  context.trace?.('The director answers with an SCTP abort, or with shutdown complete.');
  const build = (): Uint8Array => buildAnswer(header, answer);
  return reply(context, packet, { limiter: context.state.limits.resets, reason, build });
}

function replyClosedUdp(context: Context, packet: IpPacket, reason: Reason): Decision {
  const { bytes, header } = packet;
  const udp = parseUdp(bytes, header.headerBytes);
  if (isFault(udp)) return malformed(context, PARSE_FAULTS[udp]);
  const end = header.headerBytes + udp.length;
  // RFC 8200, section 8.1: over IPv6 there is no UDP without a checksum.
  const hasNone = udp.checksum === 0 && header.family === 4;
  if (!hasNone && !checksumIsGood(packet, end)) return badChecksum(context);
  return replyPortUnreachable(context, packet, reason);
}

/**
 * Answers an echo request.
 * @param packet an echo request whose checksum is good
 */
export function replyEcho(context: Context, packet: IpPacket): Decision {
  context.trace?.('It is an echo request to the VIP; the director answers it.');
  return reply(context, packet, {
    limiter: context.state.limits.echoes,
    reason: 'echo-answered',
    build: () => buildEchoReply(packet.bytes, packet.header, answerId(context, packet.header)),
  });
}

export function badChecksum(context: Context): Decision {
  context.trace?.('Its checksum is wrong: nothing is sent.');
  return { verdict: 'drop', reason: 'bad-transport-checksum' };
}

function malformed(context: Context, fault: string): Decision {
  context.trace?.(`Its transport header is malformed: ${fault}.`);
  return { verdict: 'drop', reason: 'truncated-transport' };
}

function checksumIsGood({ bytes, header }: IpPacket, end: number): boolean {
  const segment = bytes.subarray(header.headerBytes, end);
  return transportChecksum(segment, header.source, header.destination, header.protocol) === 0;
}
