import { ICMP_CODE, ICMP_TYPE } from '../net/icmp.ts';
import { formatIp, onlyIpv4 } from '../net/ip-address.ts';
import { type Context, nextId, type VipPacket } from './context.ts';
import type { Decision } from './decision.ts';
import { encapsulate, encapsulateInFragments, TUNNEL_BYTES } from './encapsulate.ts';
import type { RealEntry } from './image/forwarding-image.ts';
import { noteCured, oversizeFate, refuseOversize } from './oversize.ts';
import type { Reason } from './reasons.ts';
import { replyError } from './reply.ts';
import type { Target } from './target.ts';

/** Sends a packet to the real that was chosen for it; the branches of TTL and MTU. */
export function sendToReal(context: Context, packet: VipPacket, target: Target): Decision {
  const { bytes, header } = packet;
  const { real } = target;
  if (header.ttl <= 1) return replyTimeExceeded(context, packet);
  const roomBytes = real.mtuBytes - TUNNEL_BYTES;
  context.trace?.(
    `The path to ${formatIp(real.address)} has an MTU of ${real.mtuBytes}; less ${TUNNEL_BYTES} for the tunnel that is ${roomBytes}, and the packet has ${bytes.length}.`,
  );
  if (bytes.length <= roomBytes) return sendWhole(context, packet, real);
  if (header.dontFragment) return decideOversize(context, packet, target);
  context.trace?.('DF is clear: the outer packet is fragmented.');
  return sendInFragments(context, packet, real, 'outer-fragments');
}

function decideOversize(context: Context, packet: VipPacket, target: Target): Decision {
  const fate = oversizeFate(context, packet, target);
  if (fate === 'refuse') return refuseOversize(context, packet, target);
  if (fate === 'silent') {
    context.trace?.('DF is set, and the MTU is one that no client can be told: nothing is sent.');
    return { verdict: 'drop', reason: 'too-big-quiet' };
  }
  noteCured(context, packet, target, fate);
  return sendInFragments(context, packet, target.real, 'blackhole-cured');
}

export function replyTimeExceeded(context: Context, packet: VipPacket): Decision {
  context.trace?.(`Its TTL of ${packet.header.ttl} runs out here: time exceeded is the answer.`);
  const error = { type: ICMP_TYPE.timeExceeded, code: ICMP_CODE.ttlExceeded };
  return replyError(context, packet, error, 'ttl-expired');
}

export function sendWhole(context: Context, packet: VipPacket, real: RealEntry, reason?: Reason): Decision {
  const { bytes, header } = packet;
  const dontFragment = header.dontFragment;
  const outer = encapsulate(bytes, {
    source: onlyIpv4(real.sourceAddress),
    destination: onlyIpv4(real.address),
    dontFragment,
    id: dontFragment ? 0 : nextId(context),
  });
  context.trace?.(
    `It is sent to ${formatIp(real.address)} in an outer packet of ${outer.length} bytes, ${dontFragment ? 'with' : 'without'} DF.`,
  );
  const why = reason ?? rarity(packet, real);
  return {
    verdict: 'forward',
    real: real.index,
    packets: [outer],
    ...(why !== undefined && { reason: why }),
  };
}

/** Without DF, whatever the packet says: in as many fragments as the path needs, which may be one. */
export function sendInFragments(
  context: Context,
  packet: VipPacket,
  real: RealEntry,
  reason: Reason,
): Decision & { verdict: 'forward' } {
  const packets = encapsulateInFragments(
    packet.bytes,
    {
      source: onlyIpv4(real.sourceAddress),
      destination: onlyIpv4(real.address),
      dontFragment: false,
      id: nextId(context),
    },
    real.mtuBytes,
  );
  context.trace?.(
    `It is sent to ${formatIp(real.address)} in outer packets of ${packets.map(({ length }) => length).join(' and ')} bytes, without DF.`,
  );
  return { verdict: 'forward', real: real.index, packets, reason };
}

/** Why the fast path would not have sent it, though it fits. */
function rarity({ header }: VipPacket, real: RealEntry): Reason | undefined {
  if (header.headerBytes > 20) return 'options';
  return real.resolved ? undefined : 'unresolved';
}
