import { concatBytes, readU16 } from '../net/bytes.ts';
import {
  buildEthernet,
  ETHERNET_HEADER_BYTES,
  ETHERTYPE,
  type EthernetHeader,
  isGroupMac,
  parseEthernet,
} from '../net/ethernet.ts';
import { isFault } from '../net/fault.ts';
import { answerArp } from './arp.ts';
import type { Decision } from './decision.ts';
import { decideEach } from './forwarder.ts';
import { answerSolicitation } from './neighbours.ts';
import type { Reason } from './reasons.ts';
import type { ForwarderState } from './state.ts';

/** `reply`: send this frame out of the interface that the request came in by; it has the request's 802.1Q tag. */
export type FrameDecision =
  | Decision
  | {
      readonly verdict: 'reply';
      readonly frame: Uint8Array;
      readonly reason: 'arp-answered' | 'neighbour-answered';
    };

/** What a frame carries, its 802.1Q tag taken off. */
interface Content {
  readonly etherType: number;
  readonly payload: Uint8Array;
  /** TPID and TCI; empty without a tag. */
  readonly tag: Uint8Array;
}

const TAG_BYTES = 4;
const IP_VERSIONS: Readonly<Record<number, number>> = { [ETHERTYPE.ipv4]: 4, [ETHERTYPE.ipv6]: 6 };

/**
 * What becomes of a whole Ethernet frame; several decisions if receive offload had merged packets into it.
 * @param segmentBytes as for `decideEach`
 */
export function decideFrame(
  frame: Uint8Array,
  state: ForwarderState,
  nowMs: number,
  segmentBytes?: number,
): FrameDecision[] {
  const ethernet = parseEthernet(frame);
  const content = isFault(ethernet) ? undefined : contentOf(frame, ethernet);
  if (isFault(ethernet) || content === undefined) return [count(state, dropped('malformed-ethernet'))];
  const reply = answerNeighbour(ethernet, content, state);
  if (reply !== undefined) return [count(state, reply)];
  const version = IP_VERSIONS[content.etherType];
  if (version === undefined || isGroupMac(ethernet.destination)) {
    return [count(state, { verdict: 'pass', reason: 'not-ours' })];
  }
  if (content.payload.length > 0 && (content.payload[0] as number) >> 4 !== version) {
    return [count(state, dropped('malformed-ip'))];
  }
  return decideEach(content.payload, state, nowMs, segmentBytes);
}

/** Undefined if the frame ends within its tag. What has two tags is decided as what it is: neither IP nor ARP. */
function contentOf(frame: Uint8Array, { etherType }: EthernetHeader): Content | undefined {
  const isTagged = etherType === ETHERTYPE.vlan;
  const payloadAt = ETHERNET_HEADER_BYTES + (isTagged ? TAG_BYTES : 0);
  if (frame.length < payloadAt) return undefined;
  const tag = isTagged
    ? frame.subarray(ETHERNET_HEADER_BYTES - 2, ETHERNET_HEADER_BYTES + 2)
    : new Uint8Array(0);
  return { etherType: readU16(frame, payloadAt - 2), payload: frame.subarray(payloadAt), tag };
}

function answerNeighbour(
  ethernet: EthernetHeader,
  { etherType, payload, tag }: Content,
  state: ForwarderState,
): FrameDecision | undefined {
  const isArp = etherType === ETHERTYPE.arp;
  const answer = isArp
    ? answerArp(payload, state)
    : etherType === ETHERTYPE.ipv6
      ? answerSolicitation(payload, ethernet, state)
      : undefined;
  if (answer === undefined) return undefined;
  const addresses = { destination: answer.to, source: state.interfaceMac };
  const untagged = buildEthernet({ ...addresses, etherType }, answer.payload);
  const at = ETHERNET_HEADER_BYTES - 2;
  const frame =
    tag.length === 0 ? untagged : concatBytes(untagged.subarray(0, at), tag, untagged.subarray(at));
  return { verdict: 'reply', frame, reason: isArp ? 'arp-answered' : 'neighbour-answered' };
}

function count<Decided extends FrameDecision>(state: ForwarderState, decision: Decided): Decided {
  if (decision.reason !== undefined) state.image.countReason(decision.reason);
  return decision;
}

function dropped(reason: Reason): Decision {
  return { verdict: 'drop', reason };
}
