// Ethernet frames, with and without a tag of 802.1Q.
import { readU16, writeU16 } from '../bytes.ts';
import type { ParseFault } from '../fault.ts';

/** Six bytes. */
export type MacAddress = Uint8Array;

export const MAC_BYTES = 6;
export const ETHERNET_HEADER_BYTES = 14;
export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd, qinq: 0x88a8 } as const;
export const BROADCAST_MAC: MacAddress = new Uint8Array(MAC_BYTES).fill(0xff);

export interface EthernetHeader {
  readonly destination: MacAddress;
  readonly source: MacAddress;
  readonly etherType: number;
}

/** An 802.1Q tag. */
export interface VlanTag {
  /** 1 to 4094; 0 where only the priority matters. */
  readonly id: number;
  /** 0 to 7; 0 unless given. */
  readonly priority?: number;
  /** False unless given. */
  readonly dropEligible?: boolean;
  /** The EtherType that announces it: `ETHERTYPE.vlan` unless given, `ETHERTYPE.qinq` of a provider's. */
  readonly tagProtocol?: number;
}

/** A header with its tags read. */
export interface TaggedEthernetHeader extends EthernetHeader {
  /** The type of the payload behind the tags. */
  readonly etherType: number;
  /** The outer one first; none, one or two. */
  readonly tags: readonly Required<VlanTag>[];
  /** Tags included: where the payload stands. */
  readonly headerBytes: number;
}

const VLAN_TAG_BYTES = 4;
const MAX_TAGS = 2;
const DROP_ELIGIBLE = 0x1000;
const VLAN_ID_MASK = 0xfff;

/** The addresses are views into the frame. Of a tagged frame the EtherType is the tag's: see `parseTaggedEthernet`. */
export function parseEthernet(frame: Uint8Array): EthernetHeader | ParseFault {
  if (frame.length < ETHERNET_HEADER_BYTES) return 'ethernet-truncated';
  return {
    destination: frame.subarray(0, 6),
    source: frame.subarray(6, 12),
    etherType: readU16(frame, 12),
  };
}

/** Parses a header with up to two VLAN tags; see `parseEthernet`. */
export function parseTaggedEthernet(frame: Uint8Array): TaggedEthernetHeader | ParseFault {
  const header = parseEthernet(frame);
  if (typeof header === 'string') return header;
  const tags: Required<VlanTag>[] = [];
  let { etherType } = header;
  let headerBytes = ETHERNET_HEADER_BYTES;
  while ((etherType === ETHERTYPE.vlan || etherType === ETHERTYPE.qinq) && tags.length < MAX_TAGS) {
    if (headerBytes + VLAN_TAG_BYTES > frame.length) return 'vlan-truncated';
    tags.push({ ...parseTagControl(readU16(frame, headerBytes)), tagProtocol: etherType });
    etherType = readU16(frame, headerBytes + 2);
    headerBytes += VLAN_TAG_BYTES;
  }
  return { ...header, etherType, tags, headerBytes };
}

/** `etherType` is that of the payload, behind the tags. */
export function buildEthernet(
  header: EthernetHeader,
  payload: Uint8Array,
  tags: readonly VlanTag[] = [],
): Uint8Array {
  const headerBytes = ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES * tags.length;
  const frame = new Uint8Array(headerBytes + payload.length);
  frame.set(header.destination, 0);
  frame.set(header.source, 6);
  for (const [index, tag] of tags.entries()) {
    const at = 12 + VLAN_TAG_BYTES * index;
    writeU16(frame, at, tag.tagProtocol ?? ETHERTYPE.vlan);
    writeU16(frame, at + 2, tagControl(tag));
  }
  writeU16(frame, headerBytes - 2, header.etherType);
  frame.set(payload, headerBytes);
  return frame;
}

/** Broadcast and multicast addresses (IEEE 802). */
export function isGroupMac(mac: MacAddress): boolean {
  return ((mac[0] as number) & 1) !== 0;
}

/** Six pairs of hex digits between colons or dashes; undefined if it is not that. */
export function parseMac(text: string): MacAddress | undefined {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(/[:-]/), (pair) => Number.parseInt(pair, 16));
}

export function formatMac(mac: MacAddress): string {
  return Array.from(mac.subarray(0, MAC_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

function parseTagControl(control: number): Omit<Required<VlanTag>, 'tagProtocol'> {
  return {
    id: control & VLAN_ID_MASK,
    priority: control >>> 13,
    dropEligible: (control & DROP_ELIGIBLE) !== 0,
  };
}

function tagControl({ id, priority = 0, dropEligible = false }: VlanTag): number {
  return (priority << 13) | (dropEligible ? DROP_ELIGIBLE : 0) | (id & VLAN_ID_MASK);
}
