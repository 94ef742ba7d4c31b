import type { Tunnel } from '../../../src/forwarding/forwarding-table.ts';
import { parseIpHeader } from '../../../src/forwarding/packets/ip-header.ts';
import { leaveChecksum } from '../../../src/forwarding/tunnel/remote-checksum.ts';
import type { IpAddress, IpFamily } from '../../../src/net/address/ip-address.ts';
import type { Ipv4Address } from '../../../src/net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../../src/net/address/ipv6-address.ts';
import { ETHERTYPE } from '../../../src/net/headers/ethernet.ts';
import { buildGre } from '../../../src/net/headers/gre.ts';
import { buildGue } from '../../../src/net/headers/gue.ts';
import { buildIpv4, PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { buildIpv6 } from '../../../src/net/headers/ipv6.ts';
import { EXTENSION_HEADER, fragmentHeader } from '../../../src/net/headers/ipv6-extensions.ts';
import { buildUdp } from '../../../src/net/headers/udp.ts';
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

const GUE_SOURCE_PORT = 50_123;

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
  if (tunnel.type === 'gue') return gue(inner, tunnel, around);
  const etherType = versionOf(inner) === 6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4;
  return buildGre({ etherType, withChecksum: tunnel.checksum === 'full' }, inner);
}

function gue(inner: Uint8Array, tunnel: Tunnel & { type: 'gue' }, { outer, source }: Around): Uint8Array {
  const header = parseIpHeader(inner);
  const payload = Uint8Array.from(inner);
  const remoteChecksum =
    tunnel.checksum === 'remote' && typeof header !== 'string'
      ? leaveChecksum({ bytes: inner, header }, payload)
      : undefined;
  return buildUdp({
    source: source ?? (outer === 4 ? DIRECTOR : DIRECTOR6),
    destination: outer === 4 ? REAL : REAL6,
    sourcePort: GUE_SOURCE_PORT,
    destinationPort: tunnel.port,
    payload: buildGue({ protocol: protocolOf(inner), remoteChecksum }, payload),
    withChecksum: tunnel.checksum !== 'none',
  });
}
