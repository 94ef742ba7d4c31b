import { readU16, writeU16 } from './bytes.ts';
import type { ParseFault } from './fault.ts';

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

/** The addresses are views into the frame. */
export function parseEthernet(frame: Uint8Array): EthernetHeader | ParseFault {
  if (frame.length < ETHERNET_HEADER_BYTES) return 'ethernet-truncated';
  return {
    destination: frame.subarray(0, 6),
    source: frame.subarray(6, 12),
    etherType: readU16(frame, 12),
  };
}

export function buildEthernet(header: EthernetHeader, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + payload.length);
  frame.set(header.destination, 0);
  frame.set(header.source, 6);
  writeU16(frame, 12, header.etherType);
  frame.set(payload, ETHERNET_HEADER_BYTES);
  return frame;
}

/** Six pairs of hex digits between colons or dashes; undefined if it is not that. */
export function parseMac(text: string): MacAddress | undefined {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(/[:-]/), (pair) => Number.parseInt(pair, 16));
}

export function formatMac(mac: MacAddress): string {
  return Array.from(mac.subarray(0, MAC_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
