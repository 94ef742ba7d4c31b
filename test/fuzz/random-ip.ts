import type { TransportProtocol } from '../../src/forwarding/forwarding-table.ts';
import { buildIp, type IpFields } from '../../src/forwarding/packets/build-ip.ts';
import { type IpAddress, ip, isIpv6 } from '../../src/net/address/ip-address.ts';
import type { Ipv4Address } from '../../src/net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../src/net/address/ipv6-address.ts';
import { writeU16 } from '../../src/net/bytes.ts';
import { internetChecksum } from '../../src/net/checksum.ts';
import { IPV4_AT, PROTOCOL } from '../../src/net/headers/ipv4.ts';
import { buildSctp, SCTP_CHUNK } from '../../src/net/headers/sctp.ts';
import { buildTcp, TCP_FLAGS } from '../../src/net/headers/tcp.ts';
import { buildUdp } from '../../src/net/headers/udp.ts';
import type { Random } from './random.ts';
import { HOSTS, VIPS } from './random-table.ts';

/** Whole and sound packets of clients, of either family. */

const { fin, syn, rst, psh, ack } = TCP_FLAGS;
const USUAL_FLAGS = [
  syn,
  syn,
  ack,
  ack,
  psh | ack,
  psh | ack,
  fin | ack,
  rst,
  rst | ack,
  syn | ack,
  syn | rst,
  syn | fin,
];
const CHUNKS = Object.values(SCTP_CHUNK);
/** Where ones' complement arithmetic has two zeroes, before and after the TTL goes down by one. */
const CHECKSUM_EDGES = [0, 1, 0xfeff, 0xff00, 0xfffe, 0xffff];
const CLIENTS = 40;
const CLIENT_PORTS = 8;
/** Those whose flows have more packets than one before others push them out. */
const FREQUENT_CLIENTS = 3;
const FREQUENT_PORTS = 2;
/** Addresses that no client has, and some like them that one can have. */
const MARTIANS: readonly IpAddress[] = [
  '0.0.0.0',
  '0.255.255.255',
  '1.0.0.0',
  '126.255.255.255',
  '127.0.0.1',
  '128.0.0.0',
  '223.255.255.255',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.0',
  '255.255.255.254',
  '255.255.255.255',
  // In the filter of addresses that no client has they are where an address of the director and VIPs are.
  '10.16.0.2',
  '192.16.2.10',
  '9.9.17.1',
  '::',
  '::1',
  '::ffff:c633:6407',
  '0:0:0:1::',
  'fe80::1',
  'feff::1',
  'ff02::1',
].map(ip);
const FIRST_CLIENT = 0xc6336400;
const FIRST_CLIENT_6 = 0x2001_0db8_000c_0000_0000_0000_0000_0000n;
const NETWORK_6 = 1n << 64n;

export type Addressed = Partial<IpFields> & Pick<IpFields, 'source' | 'destination'>;

/** Of the same family as the VIP. IPv6 clients are several to a network. */
export function randomClient(random: Random, vip: IpAddress): IpAddress {
  if (random.chance(0.04))
    return random.pick([...VIPS, ...HOSTS, ...MARTIANS].filter((address) => isIpv6(address) === isIpv6(vip)));
  const number = random.below(random.chance(0.6) ? FREQUENT_CLIENTS : CLIENTS);
  if (!isIpv6(vip)) return (FIRST_CLIENT + number) as Ipv4Address;
  return (FIRST_CLIENT_6 + BigInt(number & 7) * NETWORK_6 + BigInt(number >> 3)) as Ipv6Address;
}

export function randomClientPort(random: Random): number {
  if (random.chance(0.01)) return 0;
  return 1024 + random.below(random.chance(0.6) ? FREQUENT_PORTS : CLIENT_PORTS);
}

export function randomTransport(
  random: Random,
  { protocol, port }: { readonly protocol: TransportProtocol; readonly port: number },
  fields: Addressed,
): Uint8Array {
  const ports = { sourcePort: randomClientPort(random), destinationPort: port };
  return randomIp(
    random,
    { protocol: PROTOCOL[protocol], ...fields },
    segmentOf(random, protocol, { ...fields, ...ports }),
  );
}

export function randomIp(random: Random, fields: IpFields, payload: Uint8Array): Uint8Array {
  const defaults = {
    tos: random.chance(0.5) ? 0 : random.below(256),
    id: random.below(65536),
    dontFragment: random.chance(0.7),
    ttl: random.pick([64, 64, 63, 128, 255, 2]),
  };
  const packet = buildIp({ ...defaults, ...fields }, payload);
  if (isIpv6(fields.destination)) {
    if (random.chance(0.5)) labelFlow(packet, random.below(1 << 20));
  } else if (random.chance(0.05)) {
    steerChecksum(packet, random.pick(CHECKSUM_EDGES));
  }
  return packet;
}

/** Mostly small; else about as large as one of the MTUs allows. */
export function randomPayloadBytes(random: Random): number {
  if (random.chance(0.85)) return random.below(40);
  return Math.max(0, random.pick([1500, 1480, 1280, 576, 120]) - 40 - random.below(75));
}

interface Ports {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

function segmentOf(random: Random, protocol: TransportProtocol, ports: Ports): Uint8Array {
  const payload = new Uint8Array(randomPayloadBytes(random));
  if (protocol === 'udp') return buildUdp({ ...ports, payload });
  if (protocol === 'tcp') {
    const flags = random.chance(0.9) ? random.pick(USUAL_FLAGS) : random.below(256);
    return buildTcp({ ...ports, flags, sequence: random.word(), payload });
  }
  const chunk = { type: random.pick(CHUNKS), flags: random.below(4), value: payload };
  return buildSctp({ ...ports, verificationTag: random.word() }, random.chance(0.95) ? [chunk] : []);
}

function labelFlow(packet: Uint8Array, label: number): void {
  packet[1] = ((packet[1] as number) & 0xf0) | (label >> 16);
  writeU16(packet, 2, label & 0xffff);
}

/** Chooses the ID so that the header checksum becomes the one wanted, and right. */
function steerChecksum(packet: Uint8Array, checksum: number): void {
  writeU16(packet, IPV4_AT.checksum, checksum);
  writeU16(packet, IPV4_AT.id, 0);
  writeU16(packet, IPV4_AT.id, internetChecksum(packet, 0, 20));
}
