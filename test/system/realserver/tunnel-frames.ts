import { buildEthernet, ETHERTYPE } from '../../../src/net/ethernet.ts';
import {
  buildIpv4,
  type Ipv4Fields,
  type Ipv4Header,
  PROTOCOL,
  parseIpv4Header,
} from '../../../src/net/ipv4.ts';
import { ipv4 } from '../../../src/net/ipv4-address.ts';
import { buildUdp } from '../../../src/net/udp.ts';

export const VIP: ReturnType<typeof ipv4> = ipv4('192.0.2.10');
export const CLIENT: ReturnType<typeof ipv4> = ipv4('198.51.100.7');
export const DIRECTOR: ReturnType<typeof ipv4> = ipv4('10.0.1.2');
export const REAL: ReturnType<typeof ipv4> = ipv4('10.0.3.2');
export const STRANGER: ReturnType<typeof ipv4> = ipv4('10.0.1.66');

const SOURCE_MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const REAL_MAC = Uint8Array.of(2, 0, 0, 0, 0, 2);

export function frame(packet: Uint8Array, destination: Uint8Array = REAL_MAC): Uint8Array {
  return buildEthernet({ destination, source: SOURCE_MAC, etherType: ETHERTYPE.ipv4 }, packet);
}

/** A UDP packet from the client to the VIP; `bytes` of payload. */
export function clientPacket(
  bytes: number,
  fields: Partial<Ipv4Fields> = {},
  options?: Uint8Array,
): Uint8Array {
  const source = fields.source ?? CLIENT;
  const destination = fields.destination ?? VIP;
  const ports = { sourcePort: 40_000, destinationPort: 53 };
  const payload = buildUdp({ source, destination, ...ports, payload: pattern(bytes) });
  return buildIpv4({ protocol: PROTOCOL.udp, source, destination, ...fields }, payload, options);
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

/** What a host would make of inner fragments in any order; undefined when there is a hole or an overlap. */
export function reassembled(fragments: readonly Uint8Array[]): Uint8Array | undefined {
  const parts = fragments
    .map((packet) => ({ header: headerOf(packet), packet }))
    .sort((a, b) => a.header.fragmentOffsetBytes - b.header.fragmentOffsetBytes);
  const data: Uint8Array[] = [];
  let end = 0;
  for (const { header, packet } of parts) {
    if (header.fragmentOffsetBytes !== end || header.id !== parts[0]?.header.id) return undefined;
    data.push(packet.subarray(header.headerBytes, header.totalLength));
    end += header.totalLength - header.headerBytes;
  }
  return parts.at(-1)?.header.moreFragments === false ? Buffer.concat(data) : undefined;
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
