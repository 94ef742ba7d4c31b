// Frames that announce to all neighbours that a VIP is here: gratuitous ARP and unsolicited neighbour advertisements.
import { type IpAddress, isIpv4 } from '../../net/address/ip-address.ts';
import { multicastMac } from '../../net/address/ipv6-multicast.ts';
import { ARP_OPERATION, buildArp } from '../../net/headers/arp.ts';
import {
  BROADCAST_MAC,
  buildEthernet,
  ETHERTYPE,
  MAC_BYTES,
  type MacAddress,
} from '../../net/headers/ethernet.ts';
import { buildNeighbourAdvertisement } from '../../net/headers/neighbour-discovery.ts';
import { ALL_NODES } from './neighbour-answers.ts';

/**
 * Builds a frame that announces to all neighbours where a VIP is from now on: gratuitous ARP, as a request (RFC 5227, section 3),
 * or an unsolicited neighbour advertisement (RFC 4861, section 7.2.6).
 *
 * @param mac address of the interface that sends the frame
 */
export function buildAnnouncement(vip: IpAddress, mac: MacAddress): Uint8Array {
  if (isIpv4(vip)) {
    const ends = { senderMac: mac, senderAddress: vip, targetMac: new Uint8Array(MAC_BYTES) };
    const request = buildArp({ operation: ARP_OPERATION.request, ...ends, targetAddress: vip });
    return buildEthernet({ destination: BROADCAST_MAC, source: mac, etherType: ETHERTYPE.arp }, request);
  }
  const advertisement = buildNeighbourAdvertisement({
    source: vip,
    destination: ALL_NODES,
    target: vip,
    targetLinkAddress: mac,
    router: false,
    solicited: false,
    override: true,
  });
  const addresses = { destination: multicastMac(ALL_NODES), source: mac };
  return buildEthernet({ ...addresses, etherType: ETHERTYPE.ipv6 }, advertisement);
}
