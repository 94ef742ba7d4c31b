// Answers ARP requests for VIPs.
import { isFault } from '../../net/fault.ts';
import { ARP_OPERATION, buildArp, parseArp } from '../../net/headers/arp.ts';
import { isGroupMac, type MacAddress } from '../../net/headers/ethernet.ts';
import type { ForwarderState } from '../state.ts';
import { isAnswerable } from './answers.ts';

/** What a neighbour is answered, and where. */
export interface NeighbourAnswer {
  readonly to: MacAddress;
  /** Behind the Ethernet header. */
  readonly payload: Uint8Array;
}

/**
 * The reply to a request for a VIP that the director claims, probes included (RFC 5227: a sender of 0.0.0.0 asks whether the address is taken).
 * None to announcements, to our own frames, and to senders that no host can be.
 */
export function answerArp(
  packet: Uint8Array,
  { image, interfaceMac }: ForwarderState,
): NeighbourAnswer | undefined {
  const request = parseArp(packet);
  if (isFault(request) || request.operation !== ARP_OPERATION.request) return undefined;
  const { senderMac, senderAddress, targetAddress } = request;
  const isProbe = senderAddress === 0;
  if (image.claimOf(targetAddress) !== 'always' || senderAddress === targetAddress) return undefined;
  if (!isProbe && !isAnswerable(senderAddress)) return undefined;
  if (!isNeighbourMac(senderMac, interfaceMac)) return undefined;
  const payload = buildArp({
    operation: ARP_OPERATION.reply,
    senderMac: interfaceMac,
    senderAddress: targetAddress,
    targetMac: senderMac,
    targetAddress: senderAddress,
  });
  return { to: senderMac, payload };
}

/** Whether a neighbour can have this address: not the director itself, no group, nor none. */
export function isNeighbourMac(mac: MacAddress, own: MacAddress): boolean {
  return !isGroupMac(mac) && mac.some((byte) => byte !== 0) && mac.some((byte, i) => byte !== own[i]);
}
