import type { ForwardingTable } from '../../src/forwarding/forwarding-table.ts';
import { type IpAddress, isIpv6 } from '../../src/net/address/ip-address.ts';
import type { Ipv6Address } from '../../src/net/address/ipv6-address.ts';
import { multicastMac, solicitedNodeAddress } from '../../src/net/address/ipv6-multicast.ts';
import { concatBytes } from '../../src/net/bytes.ts';
import { ARP_OPERATION, buildArp } from '../../src/net/headers/arp.ts';
import {
  BROADCAST_MAC,
  buildEthernet,
  ETHERTYPE,
  type MacAddress,
  type VlanTag,
} from '../../src/net/headers/ethernet.ts';
import { buildNeighbourSolicitation, UNSPECIFIED } from '../../src/net/headers/neighbour-discovery.ts';
import { isIpv6Packet } from './frame.ts';
import type { Random } from './random.ts';
import { randomClient } from './random-ip.ts';
import { randomPacket } from './random-packet.ts';
import { NOT_VIPS, VIPS } from './random-table.ts';

export const DIRECTOR_MAC: MacAddress = Uint8Array.of(2, 0, 0, 0, 0, 1);
const ROUTER_MAC: MacAddress = Uint8Array.of(2, 0, 0, 0, 0, 2);
const ALL_NODES_MAC: MacAddress = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);

/** A frame as it may come in: mostly a packet to a service; with one tag, two or none; at times ARP or a solicitation. */
export function randomFrame(random: Random, table: ForwardingTable): Uint8Array {
  if (random.chance(0.03)) return randomRequest(random);
  const packet = randomPacket(random, table);
  const etherType = isIpv6Packet(packet) ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4;
  const header = {
    destination: random.chance(0.99) ? DIRECTOR_MAC : random.pick([BROADCAST_MAC, ALL_NODES_MAC]),
    source: ROUTER_MAC,
    etherType: random.chance(0.99) ? etherType : random.pick(Object.values(ETHERTYPE)),
  };
  return buildEthernet(header, packet, randomTags(random));
}

function randomTags(random: Random): VlanTag[] {
  if (random.chance(0.7)) return [];
  const tag = { id: random.below(4096), priority: random.below(8), dropEligible: random.chance(0.5) };
  if (random.chance(0.95)) return [tag];
  const tagProtocol = random.pick([ETHERTYPE.qinq, ETHERTYPE.vlan]);
  return random.chance(0.5) ? [{ ...tag, tagProtocol }, tag] : [{ ...tag, tagProtocol: ETHERTYPE.qinq }];
}

/** Somebody asks for the MAC address of a VIP, or of another host. */
function randomRequest(random: Random): Uint8Array {
  const target = random.pick(random.chance(0.8) ? VIPS : NOT_VIPS);
  const [destination, etherType, packet] = isIpv6(target)
    ? solicitation(random, target)
    : ([BROADCAST_MAC, ETHERTYPE.arp, arp(random, target)] as const);
  const padding = new Uint8Array(random.below(20));
  const frame = buildEthernet(
    { destination, source: ROUTER_MAC, etherType },
    concatBytes(packet, padding),
    randomTags(random),
  );
  if (random.chance(0.2)) frame[random.below(frame.length)] = random.below(256);
  return random.chance(0.1) ? frame.slice(0, random.between(14, frame.length)) : frame;
}

function arp(random: Random, targetAddress: IpAddress & number): Uint8Array {
  return buildArp({
    operation: random.chance(0.9) ? ARP_OPERATION.request : ARP_OPERATION.reply,
    senderMac: ROUTER_MAC,
    senderAddress: randomClient(random, targetAddress) as typeof targetAddress,
    targetMac: new Uint8Array(6),
    targetAddress,
  });
}

/** To the group that the target is in, or to the target itself as when it is looked whether it is still there. */
function solicitation(
  random: Random,
  target: Ipv6Address,
): readonly [destination: MacAddress, etherType: number, packet: Uint8Array] {
  const isProbe = random.chance(0.2);
  const source = isProbe ? UNSPECIFIED : (randomClient(random, target) as Ipv6Address);
  const sourceLinkAddress = isProbe ? undefined : ROUTER_MAC;
  const isUnicast = random.chance(0.3);
  const destination = isUnicast ? target : solicitedNodeAddress(target);
  const packet = buildNeighbourSolicitation({ source, destination, target, sourceLinkAddress });
  return [isUnicast ? DIRECTOR_MAC : multicastMac(destination), ETHERTYPE.ipv6, packet];
}
