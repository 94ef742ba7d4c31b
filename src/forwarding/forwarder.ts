// The complete forwarder: decides what happens to one IP packet, from the image and the state.
import { isFault } from '../net/fault.ts';
import { IPV6_AT } from '../net/headers/ipv6.ts';
import { EXTENSION_HEADER, findUpperLayer } from '../net/headers/ipv6-extensions.ts';
import { admit, dropMartian } from './admit.ts';
import { decideIcmp, isIcmp } from './answers/icmp-messages.ts';
import { replyClosed, replyError, replyHostUnreachable, replyPortUnreachable } from './answers/reply.ts';
import type { Decision, Trace } from './decision.ts';
import { type Context, countReason } from './decision-context.ts';
import { previewReal } from './image/choice/select-real.ts';
import { decideFragment } from './packets/fragments.ts';
import { type IpHeader, type IpPacket, isFragment, parseIpHeader } from './packets/ip-header.ts';
import { unmerge } from './packets/segment.ts';
import { transportOf } from './packets/transport.ts';
import type { ForwarderState } from './state.ts';
import { findTarget, type NoTarget, readTransport, type Transport } from './target.ts';
import { sendToReal } from './to-real.ts';
import { tunnelMtuBytes } from './tunnel/mtu.ts';

/**
 * Decides what happens to one IP packet, from the image and the state. Never throws.
 *
 * A packet that receive offload merged may need several decisions, which `decideEach` returns. This function returns one: a
 * joined one if all segments are forwarded, otherwise the first that is not; TCP then sends the rest again.
 *
 * @param nowMs time by CLOCK_BOOTTIME, or by any clock that the image's ticks follow
 */
export function decide(packet: Uint8Array, state: ForwarderState, nowMs: number, trace?: Trace): Decision {
  const decisions = decideIn({ state, nowMs, trace, readOnly: false }, packet);
  return joined(decisions);
}

/**
 * Returns one decision for each packet that the client sent; otherwise the same as `decide`.
 * @param segmentBytes TCP data in each segment, if receive offload reported it; otherwise as much as the interface's MTU allows
 */
export function decideEach(
  packet: Uint8Array,
  state: ForwarderState,
  nowMs: number,
  segmentBytes?: number,
): Decision[] {
  return decideIn({ state, nowMs, trace: undefined, readOnly: false }, packet, segmentBytes);
}

/** Decides within a context. All branches of the forwarder start here. */
export function decideIn(context: Context, packet: Uint8Array, segmentBytes?: number): Decision[] {
  const admitted = admit(context, packet);
  const decisions = 'verdict' in admitted ? [admitted] : decideAdmitted(context, admitted, segmentBytes);
  for (const { reason } of decisions) if (reason !== undefined) countReason(context, reason);
  return decisions;
}

export function joined(decisions: readonly Decision[]): Decision {
  const [first, ...others] = decisions as [Decision, ...Decision[]];
  const refused = decisions.find(({ verdict }) => verdict !== 'forward');
  if (others.length === 0 || first.verdict !== 'forward' || refused !== undefined) return refused ?? first;
  return { ...first, packets: decisions.flatMap((each) => (each.verdict === 'forward' ? each.packets : [])) };
}

function decideAdmitted(context: Context, packet: IpPacket, segmentBytes?: number): Decision[] {
  const { header } = packet;
  // A forged source, or a packet that came back in a loop. Packets of checks do not take this way.
  if (context.state.image.isNoClient(header.source)) return [dropMartian(context)];
  if (isFragment(header)) return [decideFragment(context, packet)];
  if (isIcmp(header)) return [decideIcmp(context, packet)];
  return transportOf(header.protocol) === undefined
    ? [decideUnsupported(context, packet)]
    : decideTransport(context, packet, segmentBytes);
}

function decideUnsupported(context: Context, packet: IpPacket): Decision {
  const { family, protocol } = packet.header;
  context.trace?.(`No service can have protocol ${protocol}.`);
  if (protocol === EXTENSION_HEADER.noNextHeader && family === 6) {
    context.trace?.('There is nothing behind its headers (RFC 8200, section 4.7).');
    return { verdict: 'drop', reason: 'unsupported-protocol' };
  }
  const rest = family === 6 ? nextHeaderAt(packet) : 0;
  return replyError(context, packet, { kind: 'protocol-unreachable', rest }, 'unsupported-protocol');
}

/** Returns the offset of the field that names the upper layer, at which a parameter problem points (RFC 4443, section 3.4). */
function nextHeaderAt({ bytes }: IpPacket): number {
  const upper = findUpperLayer(bytes);
  return isFault(upper) ? IPV6_AT.nextHeader : upper.namedAt;
}

function decideTransport(context: Context, packet: IpPacket, segmentBytes?: number): Decision[] {
  const transport = readTransport(context, packet);
  if (transport === undefined) {
    context.trace?.('It is shorter than a transport header.');
    return [{ verdict: 'drop', reason: 'truncated-transport' }];
  }
  const segments = segmentsOf(context, packet, transport, segmentBytes);
  if (segments === undefined) return [decideWhole(context, packet, transport)];
  context.trace?.(`Receive offload merged it from ${segments.length} packets; each is decided on its own.`);
  return segments.map((bytes) => decideSegment(context, bytes));
}

function decideWhole(context: Context, packet: IpPacket, transport: Transport): Decision {
  const target = findTarget(context, packet, transport);
  return typeof target === 'string' ? refuse(context, packet, target) : sendToReal(context, packet, target);
}

function decideSegment(context: Context, bytes: Uint8Array): Decision {
  const packet = { bytes, header: parseIpHeader(bytes) as IpHeader };
  const decision = decideWhole(context, packet, readTransport(context, packet) as Transport);
  return decision.verdict === 'forward' && decision.reason === undefined
    ? { ...decision, reason: 'merged' }
    : decision;
}

/**
 * Returns the packets to decide on. A packet longer than the interface's MTU counts as one if its path carries it, as in the fast
 * path.
 */
function segmentsOf(
  { state }: Context,
  { bytes, header }: IpPacket,
  { protocol, servicePort, flow }: Transport,
  segmentBytes: number | undefined,
): Uint8Array[] | undefined {
  const { image, linkMtuBytes } = state;
  if (bytes.length <= linkMtuBytes) return undefined;
  const service = image.findService(header.destination, servicePort, protocol);
  const real = service && image.real(previewReal(image, service, flow).real);
  if (real === undefined || real.local || bytes.length <= tunnelMtuBytes(real)) return undefined;
  return unmerge(bytes, header, { linkMtuBytes, segmentBytes });
}

function refuse(context: Context, packet: IpPacket, reason: NoTarget): Decision {
  if (reason === 'real-gone') return { verdict: 'drop', reason };
  if (reason === 'no-way') return replyHostUnreachable(context, packet);
  return reason === 'no-real'
    ? replyPortUnreachable(context, packet, reason)
    : replyClosed(context, packet, reason);
}
