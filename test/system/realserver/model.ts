import type { Tunnel } from '../../../src/forwarding/forwarding-table.ts';
import type { IpAddress, IpFamily } from '../../../src/net/address/ip-address.ts';
import type { Ipv4Address } from '../../../src/net/address/ipv4-address.ts';
import { readIpv6Address } from '../../../src/net/address/ipv6-address.ts';
import { readU16, readU32, writeU16 } from '../../../src/net/bytes.ts';
import { foldChecksum, pseudoHeaderSum, sumWords, updateChecksum } from '../../../src/net/checksum.ts';
import { ETHERNET_HEADER_BYTES, ETHERTYPE, parseEthernet } from '../../../src/net/headers/ethernet.ts';
import { IPV4_AT, ipv4ChecksumIsGood, PROTOCOL, parseIpv4Header } from '../../../src/net/headers/ipv4.ts';
import { IPV6_AT, parseIpv6Header } from '../../../src/net/headers/ipv6.ts';
import type { Acceptance } from '../../../src/realserver/facts/facts.ts';
import { serving } from '../../../src/realserver/options.ts';
import { entriesOf } from '../../../src/realserver/plan/plan-setup.ts';
import { ANYONE } from '../../../src/realserver/program/address-keys.ts';

interface Outer {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly protocol: number;
  readonly tos: number;
  readonly payload: Uint8Array;
  /** What is behind the outer packet in the frame. */
  readonly padding: Uint8Array;
}

interface Carried {
  readonly family: IpFamily;
  readonly inner: Uint8Array;
  /** Whether the lengths and checksums of the tunnel header are right. */
  readonly sound: boolean;
  readonly remote: { readonly start: number; readonly at: number } | undefined;
}

/** One tunnel for all VIPs. No director: anyone by IPv4. */
export interface Accepts {
  readonly vips: readonly IpAddress[];
  readonly directors: readonly IpAddress[];
  readonly tunnel: Tunnel;
}

export function acceptanceOf({ vips, directors, tunnel }: Accepts): Acceptance {
  return {
    entries: entriesOf(serving(vips, [tunnel])),
    directors: directors.length === 0 ? [ANYONE[4]] : directors,
  };
}

/**
 * What should become of one frame, said in another language than the program's: the frame that goes up, or `drop`.
 * Undefined for outer fragments, whose fate depends on those before.
 */
export function expectedOutcome(data: Uint8Array, accepts: Accepts): Uint8Array | 'drop' | undefined {
  const outer = readOuter(data);
  if (outer === 'fragment') return undefined;
  const carried = outer === undefined ? undefined : readTunnel(outer, accepts.tunnel);
  if (outer === undefined || carried === undefined) return data;
  const { family, remote } = carried;
  const inner = carried.inner.slice();
  if (inner.length < (family === 4 ? 20 : 40)) return data;
  if (!accepts.vips.includes(destinationOf(inner, family))) return data;
  if (!accepts.directors.includes(outer.source)) return 'drop';
  const header = family === 4 ? parseIpv4Header(inner) : parseIpv6Header(inner);
  if (typeof header === 'string' || !carried.sound) return 'drop';
  if (remote !== undefined && !finishChecksum(inner.subarray(0, header.totalLength), remote, family))
    return 'drop';
  const tos = afterTunnel(outer.tos, tosOf(inner, family));
  if (tos === undefined) return 'drop';
  setTos(inner, tos, family);
  const ethernet = Uint8Array.from(data.subarray(0, ETHERNET_HEADER_BYTES));
  writeU16(ethernet, 12, family === 4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6);
  return Buffer.concat([ethernet, inner, outer.padding]);
}

/** Undefined for what is no sound packet of IPv4 or IPv6, which is the stack's. */
function readOuter(data: Uint8Array): Outer | 'fragment' | undefined {
  const ethernet = parseEthernet(data);
  const packet = data.subarray(ETHERNET_HEADER_BYTES);
  if (typeof ethernet === 'string') return undefined;
  if (ethernet.etherType === ETHERTYPE.ipv4) return readOuterIpv4(packet);
  return ethernet.etherType === ETHERTYPE.ipv6 ? readOuterIpv6(packet) : undefined;
}

function readOuterIpv4(packet: Uint8Array): Outer | 'fragment' | undefined {
  const header = parseIpv4Header(packet);
  if (typeof header === 'string' || !ipv4ChecksumIsGood(packet, 0, header.headerBytes)) return undefined;
  if (header.moreFragments || header.fragmentOffsetBytes > 0) return 'fragment';
  const payload = packet.subarray(header.headerBytes, header.totalLength);
  return payload.length === 0
    ? undefined
    : { ...header, payload, padding: packet.subarray(header.totalLength) };
}

function readOuterIpv6(packet: Uint8Array): Outer | 'fragment' | undefined {
  const header = parseIpv6Header(packet);
  if (typeof header === 'string' || header.payloadLength === 0) return undefined;
  if (header.nextHeader === 44) return 'fragment';
  const payload = packet.subarray(40, header.totalLength);
  const padding = packet.subarray(header.totalLength);
  return { ...header, protocol: header.nextHeader, tos: header.trafficClass, payload, padding };
}

function readTunnel(outer: Outer, tunnel: Tunnel): Carried | undefined {
  if (tunnel.type === 'gre') return outer.protocol === PROTOCOL.gre ? readGre(outer.payload) : undefined;
  if (tunnel.type === 'gue') return outer.protocol === PROTOCOL.udp ? readGue(outer, tunnel.port) : undefined;
  return carriedBy(outer.protocol, outer.payload, true, undefined);
}

function readGre(payload: Uint8Array): Carried | undefined {
  if (payload.length < 4) return undefined;
  const flags = readU16(payload, 0);
  if (flags !== 0 && flags !== 0x8000) return undefined;
  const protocol = { [ETHERTYPE.ipv4]: PROTOCOL.ipip, [ETHERTYPE.ipv6]: PROTOCOL.ipv6 }[readU16(payload, 2)];
  const sound = flags === 0 || foldChecksum(sumWords(payload, 0, payload.length)) === 0;
  return carriedBy(protocol, payload.subarray(flags === 0 ? 4 : 8), sound, undefined);
}

function readGue({ payload, source, destination }: Outer, port: number): Carried | undefined {
  if (payload.length < 12 || readU16(payload, 2) !== port) return undefined;
  const [first = 0, protocol, flags] = [payload[8], payload[9], readU16(payload, 10)];
  const options = payload.subarray(12, 12 + (first & 31) * 4);
  if (first > 31 || flags > 1 || options.length < (first & 31) * 4) return undefined;
  const remote = flags === 1 ? readPrivate(options) : 'none';
  if (remote === undefined) return undefined;
  const length = readU16(payload, 4);
  const sum = sumWords(payload, 0, length, pseudoHeaderSum(source, destination, PROTOCOL.udp, length));
  const sound = length <= payload.length && (readU16(payload, 6) === 0 || foldChecksum(sum) === 0);
  const carried = carriedBy(
    protocol,
    payload.subarray(12 + options.length),
    sound,
    remote === 'none' ? undefined : remote,
  );
  return carried && { ...carried, sound: sound && lengthFits(carried, 12 + options.length, length) };
}

/** The inner packet must end where UDP does, or before. */
function lengthFits({ inner, family }: Carried, at: number, udpLength: number): boolean {
  if (inner.length < (family === 4 ? 20 : 40)) return true;
  const length = family === 4 ? readU16(inner, 2) : 40 + readU16(inner, 4);
  return at + length <= udpLength;
}

function readPrivate(options: Uint8Array): Carried['remote'] | 'none' {
  if (options.length < 4) return undefined;
  const flags = readU32(options, 0);
  if (flags === 0) return 'none';
  if (flags !== 0x8000_0000 || options.length < 8) return undefined;
  const [start, at] = [readU16(options, 4), readU16(options, 6)];
  return start === 0 && at === 0 ? 'none' : { start, at };
}

function carriedBy(
  protocol: number | undefined,
  inner: Uint8Array,
  sound: boolean,
  remote: Carried['remote'],
): Carried | undefined {
  if (inner.length === 0 || (protocol !== PROTOCOL.ipip && protocol !== PROTOCOL.ipv6)) return undefined;
  return { family: protocol === PROTOCOL.ipip ? 4 : 6, inner, sound, remote };
}

function finishChecksum(
  packet: Uint8Array,
  { start, at }: { readonly start: number; readonly at: number },
  family: IpFamily,
): boolean {
  const headerBytes = family === 4 ? ((packet[0] ?? 0) & 15) * 4 : 40;
  if (start < headerBytes || at < start || at + 2 > packet.length) return false;
  writeU16(packet, at, foldChecksum(sumWords(packet, start, packet.length)) || 0xffff);
  return true;
}

function destinationOf(packet: Uint8Array, family: IpFamily): IpAddress {
  return family === 4
    ? (readU32(packet, IPV4_AT.destination) as Ipv4Address)
    : readIpv6Address(packet, IPV6_AT.destination);
}

/** RFC 6040, section 4.2. */
function afterTunnel(outer: number, inner: number): number | undefined {
  const [o, i] = [outer & 3, inner & 3];
  if (i === 0) return o === 3 ? undefined : inner;
  if (i === 3 || o === 0 || o === 2) return inner;
  return (inner & ~3) | o;
}

function tosOf(packet: Uint8Array, family: IpFamily): number {
  return family === 4 ? (packet[IPV4_AT.tos] ?? 0) : (readU16(packet, 0) >> 4) & 0xff;
}

function setTos(packet: Uint8Array, tos: number, family: IpFamily): void {
  const before = readU16(packet, 0);
  if (family === 6) {
    writeU16(packet, 0, (before & 0xf00f) | (tos << 4));
    return;
  }
  packet[IPV4_AT.tos] = tos;
  const after = readU16(packet, 0);
  if (after === before) return;
  writeU16(packet, IPV4_AT.checksum, updateChecksum(readU16(packet, IPV4_AT.checksum), before, after));
}
