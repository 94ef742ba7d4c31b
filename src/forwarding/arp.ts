import { ARP_OPERATION, buildArp, parseArp } from '../net/arp.ts';
import {
  buildEthernet,
  ETHERNET_HEADER_BYTES,
  ETHERTYPE,
  type EthernetHeader,
  type MacAddress,
  parseEthernet,
} from '../net/ethernet.ts';
import { isFault } from '../net/fault.ts';
import { isAnswerable } from './answers.ts';
import type { Decision } from './decision.ts';
import { decideEach } from './forwarder.ts';
import type { ForwarderState } from './state.ts';

/** `reply`: send this frame out of the interface that the request came in by. */
export type FrameDecision =
  | Decision
  | { readonly verdict: 'reply'; readonly frame: Uint8Array; readonly reason: 'arp-answered' };

type ArpDecision = Extract<FrameDecision, { verdict: 'reply' | 'pass' }>;

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
  const isIpv4 =
    !isFault(ethernet) && ethernet.etherType === ETHERTYPE.ipv4 && !isGroup(ethernet.destination);
  if (isIpv4) return decideEach(frame.subarray(ETHERNET_HEADER_BYTES), state, nowMs, segmentBytes);
  const decision = isFault(ethernet)
    ? ({ verdict: 'drop', reason: 'malformed-ethernet' } as const)
    : decideOther(frame, ethernet, state);
  state.image.countReason(decision.reason);
  return [decision];
}

function decideOther(frame: Uint8Array, ethernet: EthernetHeader, state: ForwarderState): ArpDecision {
  const reply = ethernet.etherType === ETHERTYPE.arp ? answerArp(frame, state) : undefined;
  return reply === undefined
    ? { verdict: 'pass', reason: 'not-ours' }
    : { verdict: 'reply', frame: reply, reason: 'arp-answered' };
}

/**
 * The reply to a request for a VIP, probes included (RFC 5227: a sender of 0.0.0.0 asks whether the address is taken).
 * None to announcements, to our own frames, and to senders that no host can be.
 */
function answerArp(frame: Uint8Array, { image, interfaceMac }: ForwarderState): Uint8Array | undefined {
  const request = parseArp(frame, ETHERNET_HEADER_BYTES);
  if (isFault(request) || request.operation !== ARP_OPERATION.request) return undefined;
  const { senderMac, senderAddress, targetAddress } = request;
  const isProbe = senderAddress === 0;
  if (!image.isVip(targetAddress) || senderAddress === targetAddress) return undefined;
  if (!isProbe && !isAnswerable(senderAddress)) return undefined;
  if (isGroup(senderMac) || isZero(senderMac) || sameMac(senderMac, interfaceMac)) return undefined;
  const reply = buildArp({
    operation: ARP_OPERATION.reply,
    senderMac: interfaceMac,
    senderAddress: targetAddress,
    targetMac: senderMac,
    targetAddress: senderAddress,
  });
  return buildEthernet({ destination: senderMac, source: interfaceMac, etherType: ETHERTYPE.arp }, reply);
}

function isGroup(mac: MacAddress): boolean {
  return ((mac[0] as number) & 1) !== 0;
}

function isZero(mac: MacAddress): boolean {
  return mac.every((byte) => byte === 0);
}

function sameMac(a: MacAddress, b: MacAddress): boolean {
  return a.every((byte, i) => byte === b[i]);
}
