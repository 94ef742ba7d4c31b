// Decides which neighbour solicitations for a VIP the director answers, and builds the advertisements.
import type { Ipv6Address } from '../../net/address/ipv6-address.ts';
import { isIpv6Multicast, multicastMac, solicitedNodeAddress } from '../../net/address/ipv6-multicast.ts';
import { isFault } from '../../net/fault.ts';
import type { EthernetHeader } from '../../net/headers/ethernet.ts';
import {
  buildNeighbourAdvertisement,
  parseNeighbourSolicitation,
  UNSPECIFIED,
} from '../../net/headers/neighbour-discovery.ts';
import { ownBytes } from '../../net/owned-bytes.ts';
import type { ForwarderState } from '../state.ts';
import { isNeighbourMac, type NeighbourAnswer } from './arp-answers.ts';

export const ALL_NODES: Ipv6Address = 0xff02_0000_0000_0000_0000_0000_0000_0001n as Ipv6Address;

/**
 * Returns the advertisement that answers a solicitation for a VIP that the director claims (RFC 4861, section 7.2.4). A probe for
 * duplicates is answered to all nodes, as its sender has no address yet (RFC 4862, section 5.4.3). Returns undefined for what RFC
 * 4861, section 7.1.1 requires to be ignored, for frames of the director itself, and for senders that no host can be.
 */
export function answerSolicitation(
  packet: Uint8Array,
  ethernet: EthernetHeader,
  { image, interfaceMac }: ForwarderState,
): NeighbourAnswer | undefined {
  const asked = parseNeighbourSolicitation(packet);
  if (isFault(asked)) return undefined;
  const { source, destination, target } = asked;
  const isProbe = source === UNSPECIFIED;
  const isToVip = destination === target || destination === solicitedNodeAddress(target);
  if (image.claimOf(target) !== 'always' || !isToVip) return undefined;
  if (source === target || isIpv6Multicast(source)) return undefined;
  const mac = asked.sourceLinkAddress ?? ethernet.source;
  if (!isNeighbourMac(mac, interfaceMac) || !isNeighbourMac(ethernet.source, interfaceMac)) return undefined;
  const payload = buildNeighbourAdvertisement({
    source: target,
    destination: isProbe ? ALL_NODES : source,
    target,
    targetLinkAddress: interfaceMac,
    router: false,
    solicited: !isProbe,
    override: true,
  });
  return { to: isProbe ? multicastMac(ALL_NODES) : ownBytes(mac), payload };
}
