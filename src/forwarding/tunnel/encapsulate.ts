// Encapsulates a packet in IPIP, GRE or GUE, whole or in outer fragments.
import { type IpAddress, isIpv6 } from '../../net/address/ip-address.ts';
import { concatBytes } from '../../net/bytes.ts';
import { ETHERTYPE } from '../../net/headers/ethernet.ts';
import { buildGre } from '../../net/headers/gre.ts';
import { buildGue } from '../../net/headers/gue.ts';
import { IPV4_HEADER_BYTES, PROTOCOL } from '../../net/headers/ipv4.ts';
import { IPV6_HEADER_BYTES } from '../../net/headers/ipv6.ts';
import {
  EXTENSION_HEADER,
  FRAGMENT_HEADER_BYTES,
  fragmentHeader,
} from '../../net/headers/ipv6-extensions.ts';
import { buildUdp } from '../../net/headers/udp.ts';
import type { Tunnel } from '../forwarding-table.ts';
import { buildIp } from '../packets/build-ip.ts';
import type { IpPacket } from '../packets/ip-header.ts';
import { leaveChecksum } from './remote-checksum.ts';
import { routed } from './routed.ts';

/** The least data of a fragment: offsets count in eights, so that a smaller MTU cannot be used. */
const LEAST_FRAGMENT_BYTES = 8;

export interface OuterHeader {
  readonly tunnel: Tunnel;
  /** The director's address on the route to the real. */
  readonly source: IpAddress;
  /** The real's address, of the same family. */
  readonly destination: IpAddress;
  /** The ID. For a whole IPv4 packet with DF it is 0, without DF not 0; for IPv6 it is the ID of the fragments. */
  readonly id: number;
  /** DF, for IPv4. */
  readonly dontFragment: boolean;
  /** The UDP source port of GUE. */
  readonly sourcePort: number;
}

/** The bytes that follow the outer IP header. */
interface Carried {
  readonly protocol: number;
  readonly payload: Uint8Array;
}

/** The outer IP fields that come from the inner packet: the whole TOS or traffic class, so that CE stays CE (RFC 6040). */
interface Inherited {
  readonly tos: number;
  readonly ttl: number;
}

/** Returns the packet, one hop on, in its outer header. The flow label of outer IPv6 is 0, as in the kernel's IPVS. */
export function encapsulate(packet: IpPacket, outer: OuterHeader): Uint8Array {
  return whole(carry(packet, outer), inherited(packet), outer);
}

/** Returns the encapsulated packet in outer fragments that fit `mtuBytes`; the inner packet is not changed further. */
export function encapsulateInFragments(packet: IpPacket, outer: OuterHeader, mtuBytes: number): Uint8Array[] {
  const carried = carry(packet, outer);
  const fields = inherited(packet);
  const toIpv6 = isIpv6(outer.destination);
  if (toIpv6 && carried.payload.length <= mtuBytes - IPV6_HEADER_BYTES)
    return [whole(carried, fields, outer)];
  const headersBytes = toIpv6 ? IPV6_HEADER_BYTES + FRAGMENT_HEADER_BYTES : IPV4_HEADER_BYTES;
  const step = Math.max(LEAST_FRAGMENT_BYTES, (mtuBytes - headersBytes) & ~7);
  const fragments: Uint8Array[] = [];
  for (let at = 0; at < carried.payload.length; at += step) {
    fragments.push(fragment(carried, fields, { outer, at, step }));
  }
  return fragments;
}

function carry(packet: IpPacket, outer: OuterHeader): Carried {
  const { tunnel } = outer;
  const inner = routed(packet.bytes);
  const protocol = packet.header.family === 4 ? PROTOCOL.ipip : PROTOCOL.ipv6;
  if (tunnel.type === 'ipip') return { protocol, payload: inner };
  if (tunnel.type === 'gre') {
    const etherType = packet.header.family === 4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6;
    const payload = buildGre({ etherType, withChecksum: tunnel.checksum === 'full' }, inner);
    return { protocol: PROTOCOL.gre, payload };
  }
  const remoteChecksum = tunnel.checksum === 'remote' ? leaveChecksum(packet, inner) : undefined;
  const payload = buildUdp({
    ...outer,
    destinationPort: tunnel.port,
    payload: buildGue({ protocol, remoteChecksum }, inner),
    // The UDP checksum is needed for `remote` as well: it covers what the inner checksum covered (as in IPVS).
    withChecksum: tunnel.checksum !== 'none',
  });
  return { protocol: PROTOCOL.udp, payload };
}

function inherited({ header }: IpPacket): Inherited {
  return { tos: header.tos, ttl: header.ttl - 1 };
}

function whole({ protocol, payload }: Carried, fields: Inherited, outer: OuterHeader): Uint8Array {
  const { source, destination, id, dontFragment } = outer;
  return buildIp({ ...fields, source, destination, protocol, id, dontFragment }, payload);
}

function fragment(
  { protocol, payload }: Carried,
  fields: Inherited,
  { outer, at, step }: { readonly outer: OuterHeader; readonly at: number; readonly step: number },
): Uint8Array {
  const { source, destination, id } = outer;
  const part = payload.subarray(at, at + step);
  const more = at + step < payload.length;
  const common = { ...fields, source, destination };
  if (!isIpv6(destination)) {
    return buildIp({ ...common, protocol, id, moreFragments: more, fragmentOffsetBytes: at }, part);
  }
  const header = fragmentHeader(protocol, { id, offsetBytes: at, more });
  return buildIp({ ...common, protocol: EXTENSION_HEADER.fragment }, concatBytes(header, part));
}
