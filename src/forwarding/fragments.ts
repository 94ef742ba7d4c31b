import { formatIp } from '../net/ip-address.ts';
import { type Ipv4Header, PROTOCOL, parseIpv4Header } from '../net/ipv4.ts';
import { type Context, countForwarded, countReason, type VipPacket } from './context.ts';
import type { Decision } from './decision.ts';
import type { FragmentFate } from './fragment-store.ts';
import type { RealEntry } from './image/forwarding-image.ts';
import { replyPortUnreachable } from './reply.ts';
import { findTarget, type NoTarget, readTransport } from './target.ts';
import { replyTimeExceeded, sendInFragments } from './to-real.ts';

/** RFC 1858: a fragment here would overwrite the flags of a TCP header that has been looked at. */
const OVERLAP_OFFSET_BYTES = 8;

export function isFragment({ moreFragments, fragmentOffsetBytes }: Ipv4Header): boolean {
  return moreFragments || fragmentOffsetBytes > 0;
}

/** Fragments leave one by one as they came: the first one decides, later ones follow it, early ones wait for it. */
export function decideFragment(context: Context, packet: VipPacket): Decision {
  const { protocol, fragmentOffsetBytes } = packet.header;
  if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp) {
    return drop(context, 'It is a fragment of something that no service can have');
  }
  if (fragmentOffsetBytes === 0) return decideFirst(context, packet);
  if (protocol === PROTOCOL.tcp && fragmentOffsetBytes <= OVERLAP_OFFSET_BYTES) {
    return drop(context, 'It is a fragment that overlaps the TCP header');
  }
  return decideLater(context, packet);
}

function decideFirst(context: Context, packet: VipPacket): Decision {
  const transport = readTransport(packet);
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
  const later = released.flatMap((bytes) => releaseHeld(context, bytes, real));
  if (packet.header.ttl <= 1) return replyTimeExceeded(context, packet);
  const first = sendInFragments(context, packet, real, 'fragment-forwarded');
  return { ...first, packets: [...first.packets, ...later] };
}

/** A reset needs the sequence numbers of the whole segment, which no fragment has. */
function refuseFirst(context: Context, packet: VipPacket, reason: NoTarget): Decision {
  if (packet.header.protocol === PROTOCOL.tcp && reason !== 'no-real') return { verdict: 'drop', reason };
  return replyPortUnreachable(context, packet, reason);
}

function decideLater(context: Context, packet: VipPacket): Decision {
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
    return drop(context, 'Its first fragment was dropped, or its real has gone');
  }
  context.trace?.(`Its first fragment went to ${formatIp(real.address)}.`);
  countForwarded(context, { real: real.index, connection: false }, packet.bytes.length);
  if (packet.header.ttl <= 1) return { verdict: 'drop', reason: 'ttl-expired' };
  return sendInFragments(context, packet, real, 'fragment-forwarded');
}

function settleFate(context: Context, { header }: VipPacket, fate: FragmentFate): Uint8Array[] {
  return context.readOnly ? [] : context.state.fragments.decide(keyOf(header), fate, context.nowMs);
}

function releaseHeld(context: Context, bytes: Uint8Array, real: RealEntry): readonly Uint8Array[] {
  const header = parseIpv4Header(bytes) as Ipv4Header;
  countForwarded(context, { real: real.index, connection: false }, bytes.length);
  if (header.ttl <= 1) {
    countReason(context, 'ttl-expired');
    return [];
  }
  countReason(context, 'fragment-forwarded');
  return sendInFragments(context, { bytes, header }, real, 'fragment-forwarded').packets;
}

function keyOf({ source, destination, id, protocol }: Ipv4Header): string {
  return `${source} ${destination} ${id} ${protocol}`;
}

function drop(context: Context, why: string): Decision {
  context.trace?.(`${why}: it is dropped.`);
  return { verdict: 'drop', reason: 'fragment-dropped' };
}
