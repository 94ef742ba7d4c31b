import type { Ipv4Address } from '../../../../src/net/address/ipv4-address.ts';
import { writeU16 } from '../../../../src/net/bytes.ts';
import { buildIcmp, type IcmpFields } from '../../../../src/net/headers/icmp.ts';
import { buildIpv4, type Ipv4Fields, PROTOCOL, writeIpv4Checksum } from '../../../../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS, type TcpFields } from '../../../../src/net/headers/tcp.ts';
import { buildUdp } from '../../../../src/net/headers/udp.ts';
import { CLIENT, DIRECTOR, VIP } from './fixture.ts';

export const CLIENT_PORT = 40_000;
export const SYN: number = TCP_FLAGS.syn;
export const ACK: number = TCP_FLAGS.ack;
export const FIN: number = TCP_FLAGS.fin;
export const RST: number = TCP_FLAGS.rst;
export const PSH: number = TCP_FLAGS.psh;

type Ip = Partial<Ipv4Fields> & { readonly options?: Uint8Array };

/** From the client to the VIP, DF set, ID 0x1234, unless said otherwise. */
export function ipPacket(protocol: number, payload: Uint8Array, { options, ...fields }: Ip = {}): Uint8Array {
  const defaults = { source: CLIENT, destination: VIP, protocol, id: 0x1234, dontFragment: true };
  return buildIpv4({ ...defaults, ...fields }, payload, options);
}

export function tcp(
  port: number,
  fields: Partial<TcpFields> & { ip?: Ip; dataBytes?: number } = {},
): Uint8Array {
  const { ip = {}, dataBytes = 0, ...tcpFields } = fields;
  const segment = buildTcp({
    source: ip.source ?? CLIENT,
    destination: ip.destination ?? VIP,
    sourcePort: CLIENT_PORT,
    destinationPort: port,
    sequence: 1000,
    acknowledgment: 5000,
    flags: SYN,
    payload: data(dataBytes),
    ...tcpFields,
  });
  return ipPacket(PROTOCOL.tcp, segment, ip);
}

export function udp(
  port: number,
  fields: { sourcePort?: number; ip?: Ip; dataBytes?: number } = {},
): Uint8Array {
  const { ip = {}, dataBytes = 10, sourcePort = CLIENT_PORT } = fields;
  const { source = CLIENT, destination = VIP } = ip;
  const ports = { sourcePort, destinationPort: port };
  return ipPacket(PROTOCOL.udp, buildUdp({ source, destination, ...ports, payload: data(dataBytes) }), ip);
}

export function icmp(fields: IcmpFields, ip: Ip = {}): Uint8Array {
  return ipPacket(PROTOCOL.icmp, buildIcmp(fields), ip);
}

/** Bytes that tell places apart. */
export function data(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7) & 255);
}

/** The packet one hop on, its checksum computed from scratch, so that mending is checked against it. */
export function hop(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  copy[8] = (copy[8] as number) - 1;
  writeIpv4Checksum(copy, 0, ((copy[0] as number) & 15) * 4);
  return copy;
}

/** What goes to the real: the packet one hop on in its outer header. */
export function outer(packet: Uint8Array, real: Ipv4Address, fields: Partial<Ipv4Fields> = {}): Uint8Array {
  const inner = hop(packet);
  return buildIpv4({ ...outerFields(inner, real), ...fields }, inner);
}

/** The same without DF in fragments, whose inner bytes end at the given places. */
export function outerFragments(
  packet: Uint8Array,
  real: Ipv4Address,
  { id, ends }: { readonly id: number; readonly ends: readonly number[] },
): Uint8Array[] {
  const inner = hop(packet);
  return ends.map((end, i) => {
    const start = ends[i - 1] ?? 0;
    const place = { moreFragments: i + 1 < ends.length, fragmentOffsetBytes: start };
    const fields = { ...outerFields(inner, real), id, dontFragment: false, ...place };
    return buildIpv4(fields, inner.subarray(start, end));
  });
}

function outerFields(inner: Uint8Array, real: Ipv4Address): Ipv4Fields {
  return {
    source: DIRECTOR,
    destination: real,
    protocol: PROTOCOL.ipip,
    tos: inner[1] as number,
    ttl: inner[8] as number,
    id: 0,
    dontFragment: true,
  };
}

/** An ICMP error from the VIP to the client, as the kernel's IPVS sends it. */
export function icmpError(fields: IcmpFields, about: Uint8Array, id = 1): Uint8Array {
  const message = buildIcmp({ ...fields, payload: about.subarray(0, 548) });
  return buildIpv4({ source: VIP, destination: CLIENT, protocol: PROTOCOL.icmp, tos: 0xc0, id }, message);
}

export function fragmentationNeeded(packet: Uint8Array, mtuBytes: number, id = 1): Uint8Array {
  return icmpError({ type: 3, code: 4, rest: mtuBytes }, hop(packet), id);
}

/** With one field of the IP header overwritten and, unless told otherwise, a right checksum. */
export function mangled(packet: Uint8Array, at: number, value: number, fix = true): Uint8Array {
  const copy = packet.slice();
  writeU16(copy, at, value);
  if (fix) writeIpv4Checksum(copy, 0, 20);
  return copy;
}

/** The IP fragments of a packet, cut at these places of its payload. */
export function fragmentsOf(packet: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const payload = packet.subarray(20);
  return [...cuts, payload.length].map((end, i) => {
    const start = cuts[i - 1] ?? 0;
    const place = { moreFragments: end < payload.length, fragmentOffsetBytes: start, dontFragment: false };
    return ipPacket(packet[9] as number, payload.subarray(start, end), place);
  });
}
