// ARP (RFC 826).
import type { Ipv4Address } from '../address/ipv4-address.ts';
import { readU16, readU32, writeU16, writeU32 } from '../bytes.ts';
import type { ParseFault } from '../fault.ts';
import { ETHERTYPE, MAC_BYTES, type MacAddress } from './ethernet.ts';

export const ARP_BYTES = 28;
export const ARP_OPERATION = { request: 1, reply: 2 } as const;

const HARDWARE_ETHERNET = 1;

/** ARP for IPv4 over Ethernet (RFC 826). */
export interface ArpPacket {
  /** A value of `ARP_OPERATION`, or any other number that a sender wrote. */
  readonly operation: number;
  readonly senderMac: MacAddress;
  readonly senderAddress: Ipv4Address;
  readonly targetMac: MacAddress;
  readonly targetAddress: Ipv4Address;
}

/** Reads the ARP packet at `at` (14 in an Ethernet frame); the hardware addresses are views. */
export function parseArp(bytes: Uint8Array, at = 0): ArpPacket | ParseFault {
  if (bytes.length - at < ARP_BYTES) return 'arp-truncated';
  const isIpv4OverEthernet =
    readU16(bytes, at) === HARDWARE_ETHERNET &&
    readU16(bytes, at + 2) === ETHERTYPE.ipv4 &&
    bytes[at + 4] === MAC_BYTES &&
    bytes[at + 5] === 4;
  if (!isIpv4OverEthernet) return 'arp-kind';
  return {
    operation: readU16(bytes, at + 6),
    senderMac: bytes.subarray(at + 8, at + 14),
    senderAddress: readU32(bytes, at + 14) as Ipv4Address,
    targetMac: bytes.subarray(at + 18, at + 24),
    targetAddress: readU32(bytes, at + 24) as Ipv4Address,
  };
}

export function buildArp(fields: ArpPacket): Uint8Array {
  const packet = new Uint8Array(ARP_BYTES);
  writeU16(packet, 0, HARDWARE_ETHERNET);
  writeU16(packet, 2, ETHERTYPE.ipv4);
  packet[4] = MAC_BYTES;
  packet[5] = 4;
  writeU16(packet, 6, fields.operation);
  packet.set(fields.senderMac, 8);
  writeU32(packet, 14, fields.senderAddress);
  packet.set(fields.targetMac, 18);
  writeU32(packet, 24, fields.targetAddress);
  return packet;
}
