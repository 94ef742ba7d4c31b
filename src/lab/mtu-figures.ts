// The lengths of packets in a captured upload.
import type { Ipv4Address } from '../net/address/ipv4-address.ts';
import { readU16 } from '../net/bytes.ts';
import { isFault } from '../net/fault.ts';
import { ICMP_CODE, ICMP_TYPE } from '../net/headers/icmp.ts';
import { type Ipv4Header, PROTOCOL, parseIpv4Header } from '../net/headers/ipv4.ts';
import { parseTcp, TCP_FLAGS, tcpMss } from '../net/headers/tcp.ts';
import type { CapturedPacket } from './environment.ts';

/** The figures of a captured upload: lengths of IP packets in bytes, or of TCP data where the name says so. */
export interface MtuFigures extends CapturedFigures {
  readonly completed: boolean;
}

export interface CapturedFigures {
  /** TCP data in the client's first segment of at least 1,000 bytes, and the size that most of those have. */
  readonly firstDataBytes: number | undefined;
  readonly usualDataBytes: number | undefined;
  /** Next-hop MTU in the fragmentation-needed that arrived at the client. */
  readonly icmpMtuAtClient: number | undefined;
  /** Fragmentation-needed messages that the director sent, whether or not they arrived. */
  readonly icmpSent: number;
  /** The largest client packet that reached the director, and the largest that left it, outer header included. */
  readonly largestInnerBytes: number | undefined;
  readonly largestOuterBytes: number | undefined;
  /** MSS in the SYN-ACK that the real sent. */
  readonly synAckMss: number | undefined;
}

interface Parsed {
  readonly point: CapturedPacket['point'];
  readonly packet: Uint8Array;
  readonly ip: Ipv4Header;
}

export function findFigures(captured: readonly CapturedPacket[], vip: Ipv4Address): CapturedFigures {
  const packets = captured.flatMap(parse);
  const toVip = packets.filter(({ ip }) => ip.destination === vip);
  const data = toVip.filter(({ point }) => point === 'client').map(dataBytes);
  const full = data.filter((bytes) => bytes >= 1000);
  const refusals = packets.filter(isFragmentationNeeded);
  const arrived = refusals.find(({ point }) => point === 'client');
  return {
    firstDataBytes: full[0],
    usualDataBytes: mostFrequent(full),
    icmpMtuAtClient: arrived && readU16(arrived.packet, arrived.ip.headerBytes + 6),
    icmpSent: refusals.filter(({ point }) => point === 'director').length,
    largestInnerBytes: largest(toVip.filter(({ point }) => point === 'director')),
    largestOuterBytes: largest(
      packets.filter(({ point, ip }) => point === 'director' && ip.protocol === PROTOCOL.ipip),
    ),
    synAckMss: packets
      .filter(({ point, ip }) => point === 'real' && ip.source === vip)
      .map(announcedMss)
      .find(Boolean),
  };
}

function parse({ point, packet }: CapturedPacket): Parsed[] {
  const ip = parseIpv4Header(packet);
  return isFault(ip) ? [] : [{ point, packet, ip }];
}

function dataBytes({ packet, ip }: Parsed): number {
  const tcp = ip.protocol === PROTOCOL.tcp ? parseTcp(packet, ip.headerBytes) : undefined;
  return tcp === undefined || isFault(tcp) ? 0 : ip.totalLength - ip.headerBytes - tcp.headerBytes;
}

function isFragmentationNeeded({ packet, ip }: Parsed): boolean {
  return (
    ip.protocol === PROTOCOL.icmp &&
    packet[ip.headerBytes] === ICMP_TYPE.destinationUnreachable &&
    packet[ip.headerBytes + 1] === ICMP_CODE.fragmentationNeeded
  );
}

function mostFrequent(values: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted(([, one], [, other]) => other - one)[0]?.[0];
}

function largest(packets: readonly Parsed[]): number | undefined {
  return packets.length === 0 ? undefined : Math.max(...packets.map(({ ip }) => ip.totalLength));
}

function announcedMss({ packet, ip }: Parsed): number | undefined {
  const tcp = ip.protocol === PROTOCOL.tcp ? parseTcp(packet, ip.headerBytes) : undefined;
  if (tcp === undefined || isFault(tcp) || (tcp.flags & TCP_FLAGS.syn) === 0) return undefined;
  return tcpMss(packet, ip.headerBytes, tcp.headerBytes);
}
