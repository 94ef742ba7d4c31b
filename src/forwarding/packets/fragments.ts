// Decides fragments: the first one chooses the real, later ones follow it, early ones wait for it.
import { formatIp } from '../../net/address/ip-address.ts';
import { PROTOCOL } from '../../net/headers/ipv4.ts';
import type { OwnedBytes } from '../../net/owned-bytes.ts';
import { replyHostUnreachable, replyPortUnreachable } from '../answers/reply.ts';
import type { Decision } from '../decision.ts';
import { type Context, countForwarded, countReason } from '../decision-context.ts';
import type { RealEntry } from '../image/forwarding-image.ts';
import { findTarget, type NoTarget, readTransport, type Target } from '../target.ts';
import { deliver, replyTimeExceeded, sendInFragments, sendOversize } from '../to-real.ts';
import { tunnelMtuBytes } from '../tunnel/mtu.ts';
import type { FragmentFate } from './fragment-store.ts';
import { type IpHeader, type IpPacket, parseIpHeader } from './ip-header.ts';
import { transportOf } from './transport.ts';

/** An offset at which a fragment would overwrite the flags of a TCP header that was inspected already (RFC 1858). */
const OVERLAP_OFFSET_BYTES = 8;

/**
 * Decides a fragment. Fragments leave one by one as they came: the first one decides, later ones follow it, early ones wait for
 * it. A later IPv6 fragment need not say what it carries, as the extension headers are in the first one.
 */
export function decideFragment(context: Context, packet: IpPacket): Decision {
  const { family, protocol, fragmentOffsetBytes } = packet.header;
  const isFirst = fragmentOffsetBytes === 0;
  if (transportOf(protocol) === undefined && (family === 4 || isFirst)) {
    if (family === 6) settleFate(context, packet, 'dropped');
    return drop(context, 'It is a fragment of a protocol that no service can have');
  }
  if (isFirst) return decideFirst(context, packet);
  if (protocol === PROTOCOL.tcp && fragmentOffsetBytes <= OVERLAP_OFFSET_BYTES) {
    return drop(context, 'It is a fragment that overlaps the TCP header');
  }
  return decideLater(context, packet);
}

function decideFirst(context: Context, packet: IpPacket): Decision {
  const transport = readTransport(context, packet);
  if (transport === undefined) {
    settleFate(context, packet, 'dropped');
    return drop(context, 'It is a first fragment too small for a transport header');
  }
  const target = findTarget(context, packet, transport);
  if (typeof target === 'string') {
    settleFate(context, packet, 'dropped');
    return refuseFirst(context, packet, target);
  }
  context.trace?.('It is a first fragment: all others of its packet follow it to the same real.');
  const { real } = target;
  const released = settleFate(context, packet, { real: real.index });
  const first = sendFirst(context, packet, target);
  if (first.verdict !== 'forward') {
    for (const _ of released) countReason(context, 'fragment-dropped');
    return first;
  }
  const later = released.flatMap((bytes) => releaseHeld(context, bytes, real));
  return { ...first, packets: [...first.packets, ...later] };
}

/**
 * Sends the first fragment. An IPv6 fragment that does not fit is refused for the whole packet, as the others can only follow.
 */
function sendFirst(context: Context, packet: IpPacket, target: Target): Decision {
  const { bytes, header } = packet;
  if (target.real.local) return deliver(context, packet, target.real, 'fragment-forwarded');
  if (header.ttl <= 1) return replyTimeExceeded(context, packet);
  return header.family === 6 && bytes.length > tunnelMtuBytes(target.real)
    ? sendOversize(context, packet, target, 'fragment-forwarded')
    : sendInFragments(context, packet, target.real, 'fragment-forwarded');
}

/** Refuses the first fragment with an ICMP error. A reset or an abort would need the whole segment, which no fragment has. */
function refuseFirst(context: Context, packet: IpPacket, reason: NoTarget): Decision {
  if (reason === 'real-gone') return { verdict: 'drop', reason };
  if (reason === 'no-way') return replyHostUnreachable(context, packet);
  if (packet.header.protocol !== PROTOCOL.udp && reason !== 'no-real') return { verdict: 'drop', reason };
  return replyPortUnreachable(context, packet, reason);
}

function decideLater(context: Context, packet: IpPacket): Decision {
  const { state, nowMs, readOnly } = context;
  const key = keyOf(packet.header);
  const fate = state.fragments.fate(key, nowMs);
  if (fate === undefined) {
    const kept = readOnly
      ? state.fragments.canHold(key, packet.bytes.length)
      : state.fragments.hold(key, packet.bytes, nowMs);
    if (!kept) return drop(context, 'It came before its first fragment, and there is no room to hold it');
    context.trace?.('It came before its first fragment and is held until that comes.');
    return { verdict: 'hold', reason: 'fragment-held' };
  }
  const real = fate === 'dropped' ? undefined : state.image.real(fate.real);
  if (real === undefined || !real.serving) {
    return drop(context, 'Its first fragment was dropped, or its real is gone');
  }
  context.trace?.(`Its first fragment went to ${formatIp(real.address)}.`);
  countForwarded(context, { real: real.index, connection: false }, packet.bytes.length);
  if (real.local) return deliver(context, packet, real, 'fragment-forwarded');
  if (packet.header.ttl <= 1) return { verdict: 'drop', reason: 'ttl-expired' };
  return sendInFragments(context, packet, real, 'fragment-forwarded');
}

function settleFate(context: Context, { header }: IpPacket, fate: FragmentFate): OwnedBytes[] {
  return context.readOnly ? [] : context.state.fragments.decide(keyOf(header), fate, context.nowMs);
}

function releaseHeld(context: Context, bytes: Uint8Array, real: RealEntry): readonly Uint8Array[] {
  const header = parseIpHeader(bytes) as IpHeader;
  countForwarded(context, { real: real.index, connection: false }, bytes.length);
  if (header.ttl <= 1 && !real.local) {
    countReason(context, 'ttl-expired');
    return [];
  }
  countReason(context, 'fragment-forwarded');
  if (real.local) return [bytes];
  return sendInFragments(context, { bytes, header }, real, 'fragment-forwarded').packets;
}

/** Returns the key of a fragmented packet. RFC 791 includes the protocol, RFC 8200 does not. */
function keyOf({ family, source, destination, id, protocol }: IpHeader): string {
  return `${source} ${destination} ${id} ${family === 4 ? protocol : ''}`;
}

function drop(context: Context, why: string): Decision {
  context.trace?.(`${why}: it is dropped.`);
  return { verdict: 'drop', reason: 'fragment-dropped' };
}
