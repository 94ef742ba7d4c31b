import type { Tunnel } from '../../../src/forwarding/table.ts';
import { readU16, writeU16 } from '../../../src/net/bytes.ts';
import { foldChecksum, internetChecksum } from '../../../src/net/checksum.ts';
import { ETHERTYPE } from '../../../src/net/ethernet.ts';
import type { IpAddress, IpFamily } from '../../../src/net/ip-address.ts';
import { buildIpv4, PROTOCOL } from '../../../src/net/ipv4.ts';
import type { Ipv4Address } from '../../../src/net/ipv4-address.ts';
import { buildIpv6 } from '../../../src/net/ipv6.ts';
import type { Ipv6Address } from '../../../src/net/ipv6-address.ts';
import { EXTENSION_HEADER, fragmentHeader } from '../../../src/net/ipv6-extensions.ts';
import { buildUdp } from '../../../src/net/udp.ts';
import { DIRECTOR, DIRECTOR6, REAL, REAL6, versionOf } from './tunnel-frames.ts';

/** What is around an inner packet. */
export interface Around {
  readonly tunnel: Tunnel;
  readonly outer: IpFamily;
  /** Else the director's address of that family. */
  readonly source?: IpAddress;
  readonly tos?: number;
  /** Of the outer IPv4 header; fragments of both families. */
  readonly id?: number;
}

interface Part {
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly fragment?: { readonly offset: number; readonly more: boolean };
}

const GRE_CHECKSUM = 0x8000;
const GUE_SOURCE_PORT = 50_123;
const GUE_PRIVATE = 1;
const GUE_REMOTE_CHECKSUM = 0x8000;

/** As the director sends it. */
export function encapsulated(inner: Uint8Array, around: Around): Uint8Array {
  return outerPacket(around, {
    protocol: outerProtocol(inner, around),
    payload: tunnelPayload(inner, around),
  });
}

/** The outer packet in fragments that fit the MTU. */
export function encapsulatedFragments(inner: Uint8Array, around: Around, mtuBytes: number): Uint8Array[] {
  const payload = tunnelPayload(inner, around);
  const protocol = outerProtocol(inner, around);
  const room = (mtuBytes - (around.outer === 4 ? 20 : 48)) & ~7;
  const offsets = Array.from({ length: Math.ceil(payload.length / room) }, (_, at) => at * room);
  return offsets.map((offset) => {
    const fragment = { offset, more: offset + room < payload.length };
    return outerPacket(around, { protocol, payload: payload.subarray(offset, offset + room), fragment });
  });
}

/** The bytes between outer and inner header. */
export function tunnelHeaderBytes(tunnel: Tunnel): number {
  if (tunnel.type === 'ipip') return 0;
  if (tunnel.type === 'gre') return tunnel.checksum === 'none' ? 4 : 8;
  return tunnel.checksum === 'remote' ? 20 : 12;
}

function outerPacket({ outer, source, tos = 0, id = 0 }: Around, part: Part): Uint8Array {
  const { protocol, payload, fragment } = part;
  if (outer === 4) {
    const addresses = { source: (source ?? DIRECTOR) as Ipv4Address, destination: REAL };
    const cut = { moreFragments: fragment?.more ?? false, fragmentOffsetBytes: fragment?.offset ?? 0 };
    return buildIpv4({ ...addresses, ...cut, protocol, tos, id, ttl: 63 }, payload);
  }
  const fields = {
    source: (source ?? DIRECTOR6) as Ipv6Address,
    destination: REAL6,
    trafficClass: tos,
    flowLabel: 0xabcde,
  };
  if (fragment === undefined) return buildIpv6({ ...fields, nextHeader: protocol }, payload);
  const extension = fragmentHeader(protocol, { id, offsetBytes: fragment.offset, more: fragment.more });
  return buildIpv6({ ...fields, nextHeader: EXTENSION_HEADER.fragment }, Buffer.concat([extension, payload]));
}

function outerProtocol(inner: Uint8Array, { tunnel }: Around): number {
  if (tunnel.type === 'gre') return PROTOCOL.gre;
  return tunnel.type === 'gue' ? PROTOCOL.udp : protocolOf(inner);
}

function protocolOf(inner: Uint8Array): number {
  return versionOf(inner) === 6 ? PROTOCOL.ipv6 : PROTOCOL.ipip;
}

function tunnelPayload(inner: Uint8Array, around: Around): Uint8Array {
  const { tunnel } = around;
  if (tunnel.type === 'ipip') return inner;
  return tunnel.type === 'gre' ? gre(inner, tunnel.checksum) : gue(inner, tunnel, around);
}

function gre(inner: Uint8Array, checksum: 'none' | 'full'): Uint8Array {
  const header = new Uint8Array(checksum === 'none' ? 4 : 8);
  writeU16(header, 0, checksum === 'none' ? 0 : GRE_CHECKSUM);
  writeU16(header, 2, versionOf(inner) === 6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4);
  const packet = Buffer.concat([header, inner]);
  if (checksum === 'full') writeU16(packet, 4, internetChecksum(packet, 0, packet.length));
  return packet;
}

function gue(inner: Uint8Array, tunnel: Tunnel & { type: 'gue' }, around: Around): Uint8Array {
  const source = around.source ?? (around.outer === 4 ? DIRECTOR : DIRECTOR6);
  const remote = tunnel.checksum === 'remote';
  const options = remote ? remoteChecksumOptions(inner) : new Uint8Array(0);
  const header = Uint8Array.of(options.length / 4, protocolOf(inner), 0, remote ? GUE_PRIVATE : 0);
  return buildUdp({
    source,
    destination: around.outer === 4 ? REAL : REAL6,
    sourcePort: GUE_SOURCE_PORT,
    destinationPort: tunnel.port,
    payload: Buffer.concat([header, options, remote ? withoutChecksum(inner) : inner]),
    withChecksum: tunnel.checksum !== 'none',
  });
}

function remoteChecksumOptions(inner: Uint8Array): Uint8Array {
  const { start, at } = transportOf(inner);
  const options = new Uint8Array(8);
  writeU16(options, 0, GUE_REMOTE_CHECKSUM);
  writeU16(options, 4, start);
  writeU16(options, 6, at);
  return options;
}

/** The checksum's place holds the sum of the pseudo header, as for hardware that is to finish it. */
function withoutChecksum(inner: Uint8Array): Uint8Array {
  const { start, at, protocol } = transportOf(inner);
  const copy = Uint8Array.from(inner);
  const sum = addressWords(inner) + protocol + (inner.length - start);
  writeU16(copy, at, ~foldChecksum(sum) & 0xffff);
  return copy;
}

function addressWords(inner: Uint8Array): number {
  const [from, to] = versionOf(inner) === 6 ? [8, 40] : [12, 20];
  let sum = 0;
  for (let at = from; at < to; at += 2) sum += readU16(inner, at);
  return sum;
}

/** Where the transport header and its checksum are. */
function transportOf(inner: Uint8Array): { start: number; at: number; protocol: number } {
  const v6 = versionOf(inner) === 6;
  const start = v6 ? 40 : ((inner[0] ?? 0) & 15) * 4;
  const protocol = inner[v6 ? 6 : 9] ?? 0;
  return { start, at: start + (protocol === PROTOCOL.tcp ? 16 : 6), protocol };
}
