import { type IpHeader, parseIpHeader } from '../../../src/forwarding/packets/ip-header.ts';
import type { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import { familyOf, type IpAddress, isIpv4, isIpv6 } from '../../../src/net/address/ip-address.ts';
import { isFault } from '../../../src/net/fault.ts';
import {
  ETHERTYPE,
  parseTaggedEthernet,
  type TaggedEthernetHeader,
} from '../../../src/net/headers/ethernet.ts';
import { buildIpv4, PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { buildIpv6 } from '../../../src/net/headers/ipv6.ts';
import { buildTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { delay } from './packets.ts';

/** What came in a frame, of either family. */
export interface Arrival {
  readonly ethernet: TaggedEthernetHeader;
  readonly packet: Uint8Array;
  readonly header: IpHeader;
  /** The packet in a tunnel packet of protocol 4 or 41. */
  readonly inner: IpHeader | undefined;
}

export interface Ends {
  readonly source: IpAddress;
  readonly destination: IpAddress;
}

/** A TCP segment in a packet of the family that its addresses have; of IPv4 with DF. */
export function tcpBetween(
  ends: Ends,
  segment: {
    readonly sourcePort: number;
    readonly destinationPort?: number;
    readonly flags?: number;
    readonly data?: number;
    readonly sequence?: number;
    readonly acknowledgment?: number;
  },
): Uint8Array {
  const { data = 0, flags = TCP_FLAGS.syn, destinationPort = 80, ...rest } = segment;
  const payload = new Uint8Array(data).fill(0x61);
  return ipBetween(ends, PROTOCOL.tcp, buildTcp({ ...ends, ...rest, destinationPort, flags, payload }));
}

export function ipBetween({ source, destination }: Ends, protocol: number, payload: Uint8Array): Uint8Array {
  if (isIpv4(source) && isIpv4(destination)) {
    return buildIpv4({ source, destination, protocol, dontFragment: true, id: 7 }, payload);
  }
  if (isIpv6(source) && isIpv6(destination)) {
    return buildIpv6({ source, destination, nextHeader: protocol }, payload);
  }
  throw new TypeError('addresses of two families');
}

/** The packets that have come to an interface since the last call. */
export function arrivals(socket: PacketSocket): Arrival[] {
  const found: Arrival[] = [];
  for (let captured = socket.receive(); captured !== undefined; captured = socket.receive()) {
    const ethernet = parseTaggedEthernet(captured.frame);
    if (captured.outgoing || isFault(ethernet)) continue;
    if (ethernet.etherType !== ETHERTYPE.ipv4 && ethernet.etherType !== ETHERTYPE.ipv6) continue;
    const packet = captured.frame.subarray(ethernet.headerBytes);
    const header = parseIpHeader(packet);
    if (isFault(header)) continue;
    found.push({ ethernet, packet, header, inner: innerOf(packet, header) });
  }
  return found;
}

/** Waits for so many packets that `wanted` is true of. */
export async function arrivalsOf(
  socket: PacketSocket,
  wanted: (arrival: Arrival) => boolean,
  { count = 1, withinMs = 4000 }: { readonly count?: number; readonly withinMs?: number } = {},
): Promise<Arrival[]> {
  const found: Arrival[] = [];
  const others: string[] = [];
  for (const end = Date.now() + withinMs; Date.now() < end; ) {
    for (const arrival of arrivals(socket)) {
      if (wanted(arrival)) found.push(arrival);
      else others.push(`${arrival.header.protocol}`);
    }
    if (found.length >= count) return found;
    await delay(2);
  }
  throw new Error(
    `${found.length} of ${count} packets came, and others of the protocols ${others.join(', ')}`,
  );
}

/** A tunnel packet to a real. */
export function isTunnelTo(real: IpAddress): (arrival: Arrival) => boolean {
  return ({ header, inner }) => header.destination === real && inner !== undefined;
}

/** ICMP or ICMPv6 of a type. */
export function isIcmpOf(type: number): (arrival: Arrival) => boolean {
  return ({ header, packet }) =>
    (header.protocol === PROTOCOL.icmp || header.protocol === PROTOCOL.icmpv6) &&
    packet[header.headerBytes] === type;
}

export function icmpEchoType(address: IpAddress, kind: 'request' | 'reply'): number {
  if (familyOf(address) === 4) return kind === 'request' ? 8 : 0;
  return kind === 'request' ? 128 : 129;
}

function innerOf(packet: Uint8Array, header: IpHeader): IpHeader | undefined {
  if (header.protocol !== PROTOCOL.ipip && header.protocol !== PROTOCOL.ipv6) return undefined;
  const inner = parseIpHeader(packet.subarray(header.headerBytes));
  return isFault(inner) ? undefined : inner;
}
