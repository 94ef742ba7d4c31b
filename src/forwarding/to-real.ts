// Sends a packet to its real, with the branches for TTL and MTU.
import { formatIp, isIpv6 } from '../net/address/ip-address.ts';
import { replyError } from './answers/reply.ts';
import type { Decision } from './decision.ts';
import { type Context, nextFragmentId, nextId } from './decision-context.ts';
import type { RealEntry } from './image/forwarding-image.ts';
import { hasOptions, type IpPacket } from './packets/ip-header.ts';
import { canBeRefused, noteCured, oversizeFate, refuseOversize } from './path-mtu/oversize.ts';
import type { Reason } from './reasons.ts';
import type { Target } from './target.ts';
import { encapsulate, encapsulateInFragments, type OuterHeader } from './tunnel/encapsulate.ts';
import { checksumOf, formatTunnel } from './tunnel/kind.ts';
import { tunnelMtuBytes } from './tunnel/mtu.ts';
import { gueSourcePort } from './tunnel/source-port.ts';

/** Sends a packet to the real that was chosen for it, with the branches for TTL and MTU. */
export function sendToReal(context: Context, packet: IpPacket, target: Target): Decision {
  const { real } = target;
  if (real.local) return deliver(context, packet, real, target.rarity);
  if (packet.header.ttl <= 1) return replyTimeExceeded(context, packet);
  return traceFit(context, packet, real)
    ? sendWhole(context, packet, real, rarity(packet, real) ?? target.rarity)
    : sendOversize(context, packet, target, 'outer-fragments');
}

/** Gives a packet to the director's own stack unchanged: there is no hop, and no packet is too big. */
export function deliver(
  context: Context,
  packet: IpPacket,
  real: RealEntry,
  reason?: Reason,
): Decision & { verdict: 'forward' } {
  context.trace?.(
    `${formatIp(real.address)} is an address of the director: it is delivered to this host's own stack.`,
  );
  const why = reason ?? (isRareLocally(packet) ? 'local-delivery' : undefined);
  return {
    verdict: 'forward',
    real: real.index,
    packets: [packet.bytes],
    ...(why !== undefined && { reason: why }),
  };
}

/** Returns true for packets that the fast path hands over, though it passes others of this real up the stack. */
function isRareLocally({ header }: IpPacket): boolean {
  return hasOptions(header) || header.ttl <= 1;
}

/**
 * Decides a packet that the tunnel cannot carry whole: it is refused if its client could send less, otherwise it leaves in outer
 * fragments.
 * @param reason counted for outer fragments
 */
export function sendOversize(context: Context, packet: IpPacket, target: Target, reason: Reason): Decision {
  if (canBeRefused(packet)) return decideOversize(context, packet, target);
  context.trace?.(
    packet.header.family === 4
      ? 'DF is clear: the outer packet is fragmented.'
      : 'Every IPv6 path carries this size: the outer packet is fragmented.',
  );
  return sendInFragments(context, packet, target.real, reason);
}

/** Traces in words whether the packet fits. */
function traceFit(context: Context, { bytes }: IpPacket, real: RealEntry): boolean {
  const roomBytes = tunnelMtuBytes(real);
  context.trace?.(
    `The path to ${formatIp(real.address)} has an MTU of ${real.mtuBytes}; less ${real.overheadBytes} for the tunnel (${formatTunnel(real.tunnel)}) that is ${roomBytes}, and the packet has ${bytes.length}.`,
  );
  return bytes.length <= roomBytes;
}

function decideOversize(context: Context, packet: IpPacket, target: Target): Decision {
  const fate = oversizeFate(context, packet, target);
  if (fate === 'refuse') return refuseOversize(context, packet, target);
  if (fate === 'silent') {
    context.trace?.('DF is set, and the MTU is too small to report to a client: nothing is sent.');
    return { verdict: 'drop', reason: 'too-big-quiet' };
  }
  noteCured(context, packet, target, fate);
  return sendInFragments(context, packet, target.real, 'blackhole-cured');
}

/** Sends a packet that must not be refused: whole if it fits, otherwise in outer fragments. */
export function sendAnyway(context: Context, packet: IpPacket, real: RealEntry, reason: Reason): Decision {
  if (real.local) return deliver(context, packet, real, reason);
  return packet.bytes.length <= tunnelMtuBytes(real)
    ? sendWhole(context, packet, real, reason)
    : sendInFragments(context, packet, real, reason);
}

export function replyTimeExceeded(context: Context, packet: IpPacket): Decision {
  const { family, ttl } = packet.header;
  context.trace?.(
    `Its ${family === 4 ? 'TTL' : 'hop limit'} of ${ttl} expires here: the director answers with time exceeded.`,
  );
  return replyError(context, packet, { kind: 'time-exceeded' }, 'ttl-expired');
}

export function sendWhole(context: Context, packet: IpPacket, real: RealEntry, reason?: Reason): Decision {
  const dontFragment = packet.header.dontFragment && packet.header.family === 4;
  const needsId = !dontFragment && !isIpv6(real.address);
  const id = needsId ? nextId(context) : 0;
  const outer = encapsulate(packet, { ...outerHeader(context, packet, real), dontFragment, id });
  context.trace?.(
    `It is sent to ${formatIp(real.address)} in an outer packet of ${outer.length} bytes${dfWords(real, dontFragment)}.`,
  );
  const why = reason ?? rarity(packet, real);
  return {
    verdict: 'forward',
    real: real.index,
    packets: [outer],
    ...(why !== undefined && { reason: why }),
  };
}

/** Sends a packet without DF, whatever the packet says, in as many fragments as the path needs, which may be one. */
export function sendInFragments(
  context: Context,
  packet: IpPacket,
  real: RealEntry,
  reason: Reason,
): Decision & { verdict: 'forward' } {
  const id = isIpv6(real.address) ? nextFragmentId(context) : nextId(context);
  const outer = { ...outerHeader(context, packet, real), dontFragment: false, id };
  const packets = encapsulateInFragments(packet, outer, real.mtuBytes);
  context.trace?.(
    `It is sent to ${formatIp(real.address)} in outer packets of ${packets.map(({ length }) => length).join(' and ')} bytes${dfWords(real, false)}.`,
  );
  return { verdict: 'forward', real: real.index, packets, reason };
}

function outerHeader(
  { state }: Context,
  packet: IpPacket,
  { tunnel, sourceAddress: source, address: destination }: RealEntry,
): Omit<OuterHeader, 'id' | 'dontFragment'> {
  const sourcePort = tunnel.type === 'gue' ? gueSourcePort(packet, state.image.hashKey) : 0;
  return { tunnel, source, destination, sourcePort };
}

/** Describes DF in words; empty for IPv6, which has none. */
function dfWords({ address }: RealEntry, dontFragment: boolean): string {
  if (isIpv6(address)) return '';
  return dontFragment ? ', with DF' : ', without DF';
}

/** Returns why the fast path would not have sent the packet, though it fits. */
function rarity({ header }: IpPacket, real: RealEntry): Reason | undefined {
  if (hasOptions(header)) return 'options';
  if (checksumOf(real.tunnel) !== 'none') return 'tunnel-checksum';
  return real.resolved ? undefined : 'unresolved';
}
