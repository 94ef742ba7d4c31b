// Decides what happens to a whole Ethernet frame: ARP, neighbour discovery, or an IP packet for the forwarder.
import { isFault } from '../../net/fault.ts';
import {
  buildEthernet,
  ETHERTYPE,
  isGroupMac,
  parseTaggedEthernet,
  type TaggedEthernetHeader,
} from '../../net/headers/ethernet.ts';
import type { Decision } from '../decision.ts';
import { decideEach } from '../forwarder.ts';
import type { ForwarderState } from '../state.ts';
import { answerArp } from './arp-answers.ts';
import { answerSolicitation } from './neighbour-answers.ts';

/** `reply`: send this frame out of the interface on which the request arrived; it carries the request's VLAN tags. */
export type FrameDecision =
  | Decision
  | {
      readonly verdict: 'reply';
      readonly frame: Uint8Array;
      readonly reason: 'arp-answered' | 'neighbour-answered';
    };

const IP_VERSIONS: Readonly<Record<number, number>> = { [ETHERTYPE.ipv4]: 4, [ETHERTYPE.ipv6]: 6 };

/**
 * Decides what happens to a whole Ethernet frame. Returns several decisions if receive offload merged packets into it.
 * @param segmentBytes as for `decideEach`
 */
export function decideFrame(
  frame: Uint8Array,
  state: ForwarderState,
  nowMs: number,
  segmentBytes?: number,
): FrameDecision[] {
  const ethernet = parseTaggedEthernet(frame);
  if (isFault(ethernet)) return [count(state, { verdict: 'drop', reason: 'malformed-ethernet' })];
  const payload = frame.subarray(ethernet.headerBytes);
  const reply = answerNeighbour(ethernet, payload, state);
  if (reply !== undefined) return [count(state, reply)];
  const version = IP_VERSIONS[ethernet.etherType];
  if (version === undefined || isGroupMac(ethernet.destination)) {
    return [count(state, { verdict: 'pass', reason: 'not-ours' })];
  }
  if (payload.length > 0 && (payload[0] as number) >> 4 !== version) {
    return [count(state, { verdict: 'drop', reason: 'malformed-ip' })];
  }
  return decideEach(payload, state, nowMs, segmentBytes);
}

function answerNeighbour(
  ethernet: TaggedEthernetHeader,
  payload: Uint8Array,
  state: ForwarderState,
): FrameDecision | undefined {
  const { etherType, tags } = ethernet;
  if (etherType !== ETHERTYPE.arp && etherType !== ETHERTYPE.ipv6) return undefined;
  const isArp = etherType === ETHERTYPE.arp;
  const answer = isArp ? answerArp(payload, state) : answerSolicitation(payload, ethernet, state);
  if (answer === undefined) return undefined;
  const addresses = { destination: answer.to, source: state.interfaceMac };
  const frame = buildEthernet({ ...addresses, etherType }, answer.payload, tags);
  return { verdict: 'reply', frame, reason: isArp ? 'arp-answered' : 'neighbour-answered' };
}

function count<Decided extends FrameDecision>(state: ForwarderState, decision: Decided): Decided {
  if (decision.reason !== undefined) state.image.countReason(decision.reason);
  return decision;
}
