import { readU16, readU32 } from '../net/bytes.ts';
import { ICMP_CODE, ICMP_TYPE } from '../net/icmp.ts';
import { PROTOCOL } from '../net/ipv4.ts';
import { buildIcmpError, QUOTE_BYTES } from './answers.ts';
import type { PacketIdentity } from './blackhole.ts';
import { type Context, nextId, type VipPacket } from './context.ts';
import type { Decision } from './decision.ts';
import { reply } from './reply.ts';
import type { Target } from './target.ts';
import { tunnelMtuBytes } from './tunnel/mtu.ts';
import { routed } from './tunnel/routed.ts';

/** RFC 791: every link carries packets of 68 bytes, so that no client can be told less. */
const LEAST_MTU_BYTES = 68;

/** What becomes of a packet that is too big and has DF. */
export type OversizeFate = 'refuse' | 'cure' | 'cured' | 'silent';

/** The branches: told, cured from now on, cured already, or nothing that could be said. */
export function oversizeFate(context: Context, packet: VipPacket, target: Target): OversizeFate {
  const { policy, after } = target.service.service.blackhole;
  const { blackholes } = context.state;
  const flow = flowName(target);
  if (policy === 'cure' && blackholes.isCured(flow, context.nowMs)) return 'cured';
  const told = blackholes.timesTold(flow, identityOf(packet), context.nowMs);
  if (policy === 'cure' && told >= after) return 'cure';
  return tunnelMtuBytes(target.real) < LEAST_MTU_BYTES ? 'silent' : 'refuse';
}

/** Tells the client the MTU of the tunnel, and remembers that it was told. */
export function refuseOversize(context: Context, packet: VipPacket, target: Target): Decision {
  const mtuBytes = tunnelMtuBytes(target.real);
  context.trace?.(`DF is set: the client is told to send at most ${mtuBytes} bytes (ICMP 3/4).`);
  const decision = reply(context, packet, {
    limiter: context.state.limits.tooBig,
    reason: 'too-big',
    quietReason: 'too-big-quiet',
    build: () =>
      buildIcmpError(packet.header, {
        type: ICMP_TYPE.destinationUnreachable,
        code: ICMP_CODE.fragmentationNeeded,
        rest: mtuBytes,
        about: routed(packet.bytes.subarray(0, QUOTE_BYTES)),
        id: nextId(context),
      }),
  });
  if (decision.verdict === 'answer' && !context.readOnly) {
    context.state.blackholes.recordAnswer(flowName(target), identityOf(packet), context.nowMs);
  }
  return decision;
}

/** Notes a packet of a flow that ICMP does not reach; the first one is an event. */
export function noteCured(context: Context, packet: VipPacket, target: Target, fate: 'cure' | 'cured'): void {
  context.trace?.(
    fate === 'cure'
      ? 'The client was told often enough and sends the same packet again: ICMP does not reach it, so its oversize packets are fragmented from now on.'
      : 'ICMP does not reach this client: its oversize packets are fragmented in spite of DF.',
  );
  if (context.readOnly) return;
  const { blackholes, onCured } = context.state;
  blackholes.cure(flowName(target), context.nowMs);
  if (fate === 'cure') onCured(target.service.service, packet.header.source, target.flow.clientPort);
}

function flowName({ service, flow }: Target): string {
  return `${service.index} ${flow.client}:${flow.clientPort}`;
}

function identityOf({ bytes, header }: VipPacket): PacketIdentity {
  const at = header.headerBytes;
  if (header.protocol === PROTOCOL.tcp) return readU32(bytes, at + 4);
  return readU16(bytes, at + 4) * 0x10000 + readU16(bytes, at + 6);
}
