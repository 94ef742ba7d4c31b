// Decides which ARP requests for a VIP the director answers, and builds the replies.
import { isFault } from '../../net/fault.ts';
import { ARP_OPERATION, buildArp, parseArp } from '../../net/headers/arp.ts';
import { isGroupMac, type MacAddress } from '../../net/headers/ethernet.ts';
import type { ForwarderState } from '../state.ts';
import { isAnswerable } from './answers.ts';

/** An answer to a neighbour and the MAC address that it is sent to. */
export interface NeighbourAnswer {
  readonly to: MacAddress;
  /** The bytes that follow the Ethernet header. */
  readonly payload: Uint8Array;
}

/**
 * Returns the reply to a request for a VIP that the director claims, probes included (RFC 5227: a sender of 0.0.0.0 asks whether
 * the address is taken). Returns undefined for announcements, for frames of the director itself, and for senders that no host can
 * be.
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

/** Returns true if a neighbour can have this MAC address: it is not the director's own, not a group's and not zero. */
export function isNeighbourMac(mac: MacAddress, own: MacAddress): boolean {
  return !isGroupMac(mac) && mac.some((byte) => byte !== 0) && mac.some((byte, i) => byte !== own[i]);
}
