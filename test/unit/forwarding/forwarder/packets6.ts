import { ip } from '../../../../src/net/address/ip-address.ts';
import type { Ipv6Address } from '../../../../src/net/address/ipv6-address.ts';
import { concatBytes, writeU16 } from '../../../../src/net/bytes.ts';
import { buildIcmpv6, type Icmpv6Fields } from '../../../../src/net/headers/icmpv6.ts';
import { PROTOCOL } from '../../../../src/net/headers/ipv4.ts';
import { buildIpv6, type Ipv6Fields } from '../../../../src/net/headers/ipv6.ts';
import { buildTcp, type TcpFields } from '../../../../src/net/headers/tcp.ts';
import { buildUdp } from '../../../../src/net/headers/udp.ts';
import { CLIENT_PORT, data, SYN } from './packets.ts';

export const VIP_6: Ipv6Address = ip('2001:db8::10') as Ipv6Address;
export const CLIENT_6: Ipv6Address = ip('2001:db8:c::7') as Ipv6Address;

/** `extensions` stand before the upper layer; the first is named by `first`, the last has to name the upper layer. */
export interface Ip6 extends Partial<Ipv6Fields> {
  readonly first?: number;
  readonly extensions?: Uint8Array;
}

/** From the client to the VIP, with a flow label, unless said otherwise. */
export function ip6Packet(nextHeader: number, payload: Uint8Array, ip6: Ip6 = {}): Uint8Array {
  const { first = nextHeader, extensions = new Uint8Array(0), ...fields } = ip6;
  const defaults = { source: CLIENT_6, destination: VIP_6, flowLabel: 0x54321 };
  return buildIpv6({ ...defaults, nextHeader: first, ...fields }, concatBytes(extensions, payload));
}

export function tcp6(
  port: number,
  fields: Partial<TcpFields> & { ip6?: Ip6; dataBytes?: number } = {},
): Uint8Array {
  const { ip6 = {}, dataBytes = 0, ...tcpFields } = fields;
  const segment = buildTcp({
    source: ip6.source ?? CLIENT_6,
    destination: ip6.destination ?? VIP_6,
    sourcePort: CLIENT_PORT,
    destinationPort: port,
    sequence: 1000,
    acknowledgment: 5000,
    flags: SYN,
    payload: data(dataBytes),
    ...tcpFields,
  });
  return ip6Packet(PROTOCOL.tcp, segment, ip6);
}

export function udp6(
  port: number,
  fields: { sourcePort?: number; ip6?: Ip6; dataBytes?: number } = {},
): Uint8Array {
  const { ip6 = {}, dataBytes = 10, sourcePort = CLIENT_PORT } = fields;
  const { source = CLIENT_6, destination = VIP_6 } = ip6;
  const ports = { sourcePort, destinationPort: port };
  const datagram = buildUdp({ source, destination, ...ports, payload: data(dataBytes) });
  return ip6Packet(PROTOCOL.udp, datagram, ip6);
}

export function icmp6(fields: Omit<Icmpv6Fields, 'source' | 'destination'>, ip6: Ip6 = {}): Uint8Array {
  const { source = CLIENT_6, destination = VIP_6 } = ip6;
  return ip6Packet(PROTOCOL.icmpv6, buildIcmpv6({ source, destination, ...fields }), ip6);
}

/** The packet one hop on. */
export function hop6(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  copy[7] = (copy[7] as number) - 1;
  return copy;
}

/** An ICMPv6 error from the VIP to the client. */
export function icmp6Error(
  fields: Omit<Icmpv6Fields, 'source' | 'destination'>,
  about: Uint8Array,
  to: Ipv6Address = CLIENT_6,
): Uint8Array {
  const addresses = { source: VIP_6, destination: to };
  const message = buildIcmpv6({ ...addresses, ...fields, payload: about.subarray(0, 1232) });
  return buildIpv6({ ...addresses, nextHeader: PROTOCOL.icmpv6 }, message);
}

export function packetTooBig(packet: Uint8Array, mtuBytes: number): Uint8Array {
  return icmp6Error({ type: 2, code: 0, rest: mtuBytes }, hop6(packet));
}

/** The fragments of a packet without extension headers, cut at these places of its payload. */
export function fragmentsOf6(packet: Uint8Array, cuts: readonly number[], id = 0x01020304): Uint8Array[] {
  const payload = packet.subarray(40);
  return [...cuts, payload.length].map((end, i) => {
    const start = cuts[i - 1] ?? 0;
    const more = end < payload.length;
    return fragment6(packet[6] as number, payload.subarray(start, end), { start, more, id });
  });
}

export function fragment6(
  nextHeader: number,
  payload: Uint8Array,
  { start, more, id = 0x01020304 }: { readonly start: number; readonly more: boolean; readonly id?: number },
): Uint8Array {
  const header = new Uint8Array([nextHeader, 0, 0, 0, id >>> 24, id >>> 16, id >>> 8, id]);
  writeU16(header, 2, start | (more ? 1 : 0));
  return ip6Packet(nextHeader, payload, { first: 44, extensions: header });
}
