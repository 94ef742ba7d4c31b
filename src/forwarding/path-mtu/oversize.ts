// Decides packets that are too big for the tunnel: refuse, cure or fragment.
import type { IpFamily } from '../../net/address/ip-address.ts';
import { readU16, readU32 } from '../../net/bytes.ts';
import { PROTOCOL } from '../../net/headers/ipv4.ts';
import { IPV6_MIN_MTU_BYTES } from '../../net/headers/ipv6.ts';
import { buildIcmpError, ICMP_ERRORS, QUOTE_BYTES } from '../answers/answers.ts';
import { reply } from '../answers/reply.ts';
import type { Decision } from '../decision.ts';
import { answerId, type Context } from '../decision-context.ts';
import type { RealEntry } from '../image/forwarding-image.ts';
import type { IpPacket } from '../packets/ip-header.ts';
import type { Target } from '../target.ts';
import { tunnelMtuBytes } from '../tunnel/mtu.ts';
import { routed } from '../tunnel/routed.ts';
import type { PacketIdentity } from './blackhole.ts';

/** RFC 791: every link carries packets of 68 bytes, so a client is never told a smaller MTU. */
const LEAST_MTU_BYTES = 68;

/**
 * Returns true if the client could send a smaller packet. IPv6 clients never send less than 1280 bytes: packets up to that size
 * leave in fragments of the outer packet (RFC 2473, section 7.1).
 */
export function canBeRefused({ bytes, header }: IpPacket): boolean {
  return header.family === 4 ? header.dontFragment : bytes.length > IPV6_MIN_MTU_BYTES;
}

/** Returns the MTU to report to a client of this family. */
export function toldMtuBytes(family: IpFamily, tunnelMtu: number): number {
  return family === 4 ? tunnelMtu : Math.max(tunnelMtu, IPV6_MIN_MTU_BYTES);
}

/** The treatment of a packet that is too big and can be refused. */
export type OversizeFate = 'refuse' | 'cure' | 'cured' | 'silent';

/** Decides between reporting the MTU, curing the flow from now on, one that is cured already, and silence. */
export function oversizeFate(context: Context, packet: IpPacket, target: Target): OversizeFate {
  const { policy, after } = target.service.service.blackhole;
  const { blackholes } = context.state;
  const flow = flowName(target);
  if (policy === 'cure' && blackholes.isCured(flow, context.nowMs)) return 'cured';
  const told = blackholes.timesTold(flow, identityOf(packet), context.nowMs);
  if (policy === 'cure' && told >= after) return 'cure';
  return toldTo(packet, target.real) < LEAST_MTU_BYTES ? 'silent' : 'refuse';
}

/** Reports the tunnel's MTU to the client, and remembers that. */
export function refuseOversize(context: Context, packet: IpPacket, target: Target): Decision {
  const { header } = packet;
  const mtuBytes = toldTo(packet, target.real);
  const error = ICMP_ERRORS['too-big'][header.family];
  context.trace?.(
    `${header.family === 4 ? 'DF is set' : 'IPv6 is not fragmented on its way'}: the client is told to send at most ${mtuBytes} bytes (${header.family === 4 ? 'ICMP' : 'ICMPv6'} ${error.type}/${error.code}).`,
  );
  const decision = reply(context, packet, {
    limiter: context.state.limits.tooBig,
    reason: 'too-big',
    quietReason: 'too-big-quiet',
    build: () =>
      buildIcmpError(header, {
        ...error,
        rest: mtuBytes,
        about: routed(packet.bytes.subarray(0, QUOTE_BYTES[header.family])),
        id: answerId(context, header),
      }),
  });
  if (decision.verdict === 'answer' && !context.readOnly) {
    context.state.blackholes.recordAnswer(flowName(target), identityOf(packet), context.nowMs);
  }
  return decision;
}

/** Notes a packet of a flow that ICMP does not reach; the first one is an event. */
export function noteCured(context: Context, packet: IpPacket, target: Target, fate: 'cure' | 'cured'): void {
  context.trace?.(
    fate === 'cure'
      ? 'The client still sends the same packet after ICMP errors: they do not reach it. Its oversize packets are fragmented from now on.'
      : 'ICMP does not reach this client: its oversize packets are fragmented despite DF.',
  );
  if (context.readOnly) return;
  const { blackholes, onCured } = context.state;
  blackholes.cure(flowName(target), context.nowMs);
  if (fate === 'cure') onCured(target.service.service, packet.header.source, target.flow.clientPort);
}

function flowName({ service, flow }: Target): string {
  return `${service.index} ${flow.servicePort} ${flow.client}:${flow.clientPort}`;
}

function toldTo({ header }: IpPacket, real: RealEntry): number {
  return toldMtuBytes(header.family, tunnelMtuBytes(real));
}

function identityOf({ bytes, header }: IpPacket): PacketIdentity {
  const at = header.headerBytes;
  if (header.protocol === PROTOCOL.tcp) return readU32(bytes, at + 4);
  if (header.protocol === PROTOCOL.sctp) return readU32(bytes, at + 8);
  return readU16(bytes, at + 4) * 0x10000 + readU16(bytes, at + 6);
}
