import { type IpAddress, type IpFamily, ip } from '../../../src/net/address/ip-address.ts';
import { type Ipv4Address, ipv4 } from '../../../src/net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../../src/net/address/ipv6-address.ts';
import { buildEthernet, ETHERTYPE } from '../../../src/net/headers/ethernet.ts';
import {
  buildIpv4,
  type Ipv4Fields,
  type Ipv4Header,
  PROTOCOL,
  parseIpv4Header,
} from '../../../src/net/headers/ipv4.ts';
import { buildIpv6, type Ipv6Fields, parseIpv6Header } from '../../../src/net/headers/ipv6.ts';
import { findUpperLayer } from '../../../src/net/headers/ipv6-extensions.ts';
import { buildUdp } from '../../../src/net/headers/udp.ts';

export const VIP: Ipv4Address = ipv4('192.0.2.10');
export const CLIENT: Ipv4Address = ipv4('198.51.100.7');
export const DIRECTOR: Ipv4Address = ipv4('10.0.1.2');
export const REAL: Ipv4Address = ipv4('10.0.3.2');
export const STRANGER: Ipv4Address = ipv4('10.0.1.66');

export const VIP6: Ipv6Address = ip('2001:db8::10') as Ipv6Address;
export const CLIENT6: Ipv6Address = ip('2001:db8:c::7') as Ipv6Address;
export const DIRECTOR6: Ipv6Address = ip('fd00:1::2') as Ipv6Address;
export const REAL6: Ipv6Address = ip('fd00:3::2') as Ipv6Address;
export const STRANGER6: Ipv6Address = ip('fd00:1::66') as Ipv6Address;

const SOURCE_MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const REAL_MAC = Uint8Array.of(2, 0, 0, 0, 0, 2);

export function frame(packet: Uint8Array, destination: Uint8Array = REAL_MAC): Uint8Array {
  const etherType = versionOf(packet) === 6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4;
  return buildEthernet({ destination, source: SOURCE_MAC, etherType }, packet);
}

export function versionOf(packet: Uint8Array): IpFamily {
  return (packet[0] ?? 0) >> 4 === 6 ? 6 : 4;
}

/** A UDP packet from the client to the VIP; `bytes` of payload. */
export function clientPacket(
  bytes: number,
  fields: Partial<Ipv4Fields> = {},
  options?: Uint8Array,
): Uint8Array {
  const source = fields.source ?? CLIENT;
  const destination = fields.destination ?? VIP;
  const payload = clientDatagram(source, destination, bytes);
  return buildIpv4({ protocol: PROTOCOL.udp, source, destination, ...fields }, payload, options);
}

/** The same of IPv6. */
export function clientPacket6(bytes: number, fields: Partial<Ipv6Fields> = {}): Uint8Array {
  const source = fields.source ?? CLIENT6;
  const destination = fields.destination ?? VIP6;
  const payload = clientDatagram(source, destination, bytes);
  return buildIpv6({ nextHeader: PROTOCOL.udp, source, destination, ...fields }, payload);
}

function clientDatagram(source: IpAddress, destination: IpAddress, bytes: number): Uint8Array {
  const ports = { sourcePort: 40_000, destinationPort: 53 };
  return buildUdp({ source, destination, ...ports, payload: pattern(bytes) });
}

/** No byte is like those 7 or 8 places on, so that a shift is seen. */
function pattern(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + (at >> 8)) & 255);
}

/** As the director sends it; `outer` is what differs from an ordinary outer header. */
export function tunnelled(
  inner: Uint8Array,
  outer: Partial<Ipv4Fields> = {},
  options?: Uint8Array,
): Uint8Array {
  const fields = { source: DIRECTOR, destination: REAL, protocol: PROTOCOL.ipip, ttl: 63, ...outer };
  return buildIpv4(fields, inner, options);
}

/** The outer packet in fragments that fit the MTU. */
export function outerFragments(
  inner: Uint8Array,
  mtuBytes: number,
  outer: Partial<Ipv4Fields> = {},
): Uint8Array[] {
  const room = Math.floor((mtuBytes - 20) / 8) * 8;
  const fragments: Uint8Array[] = [];
  for (let at = 0; at < inner.length; at += room) {
    const moreFragments = at + room < inner.length;
    const part = inner.subarray(at, at + room);
    fragments.push(tunnelled(part, { ...outer, moreFragments, fragmentOffsetBytes: at }));
  }
  return fragments;
}

/** Reads the header of a packet that is known to be sound. */
export function headerOf(packet: Uint8Array): Ipv4Header {
  const header = parseIpv4Header(packet);
  if (typeof header === 'string') throw new Error(`unsound packet: ${header}`);
  return header;
}

interface Piece {
  readonly id: number;
  readonly offset: number;
  readonly more: boolean;
  readonly data: Uint8Array;
}

/** What a host would make of inner fragments in any order; undefined when there is a hole or an overlap. */
export function reassembled(fragments: readonly Uint8Array[]): Uint8Array | undefined {
  const pieces = fragments.map(pieceOf).sort((a, b) => a.offset - b.offset);
  const data: Uint8Array[] = [];
  let end = 0;
  for (const piece of pieces) {
    if (piece.offset !== end || piece.id !== pieces[0]?.id) return undefined;
    data.push(piece.data);
    end += piece.data.length;
  }
  return pieces.at(-1)?.more === false ? Buffer.concat(data) : undefined;
}

/** Of a packet of IPv4, or of IPv6 with a fragment header and no other. */
function pieceOf(packet: Uint8Array): Piece {
  if (versionOf(packet) === 4) {
    const {
      id,
      fragmentOffsetBytes: offset,
      moreFragments: more,
      headerBytes,
      totalLength,
    } = headerOf(packet);
    return { id, offset, more, data: packet.subarray(headerBytes, totalLength) };
  }
  const header = parseIpv6Header(packet);
  const found = findUpperLayer(packet);
  if (typeof header === 'string' || typeof found === 'string' || found.fragment === undefined) {
    throw new Error('not a sound fragment of IPv6');
  }
  const { id, offsetBytes: offset, more } = found.fragment;
  return { id, offset, more, data: packet.subarray(found.at, header.totalLength) };
}

/** Numbers from 0 up to below a bound, the same for the same seed (xorshift). */
export function randomNumbers(seed: number): (bound: number) => number {
  let state = seed | 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}
