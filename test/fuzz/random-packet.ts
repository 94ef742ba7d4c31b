import type { ForwardingTable, Service } from '../../src/forwarding/table.ts';
import { writeU16 } from '../../src/net/bytes.ts';
import { internetChecksum } from '../../src/net/checksum.ts';
import { buildIcmp } from '../../src/net/icmp.ts';
import { onlyIpv4 } from '../../src/net/ip-address.ts';
import { buildIpv4, IPV4_AT, type Ipv4Fields, PROTOCOL, writeIpv4Checksum } from '../../src/net/ipv4.ts';
import type { Ipv4Address } from '../../src/net/ipv4-address.ts';
import { buildTcp, TCP_FLAGS } from '../../src/net/tcp.ts';
import { buildUdp } from '../../src/net/udp.ts';
import type { Random } from './random.ts';
import { PORTS, VIPS } from './random-table.ts';

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
/** Where ones' complement arithmetic has two zeroes, before and after the TTL goes down by one. */
const CHECKSUM_EDGES = [0, 1, 0xfeff, 0xff00, 0xfffe, 0xffff];
const CLIENTS = 40;
const CLIENT_PORTS = 8;
const FIRST_CLIENT = 0xc6336400;
const NOT_A_VIP = 0x0a000002 as Ipv4Address;

/** Kinds of packets by how often they are wanted. */
const KINDS: readonly (readonly [
  weight: number,
  make: (random: Random, table: ForwardingTable) => Uint8Array,
])[] = [
  [60, (random, table) => served(random, table, {})],
  [6, (random, table) => served(random, table, { ttl: random.below(3) })],
  [4, (random, table) => served(random, table, { ...randomFragment(random) })],
  [4, (random, table) => withOptions(random, served(random, table, {}))],
  [4, unserved],
  [4, icmp],
  [6, (random, table) => damaged(random, served(random, table, {}))],
  [5, (random, table) => cut(random, served(random, table, {}))],
  [4, (random, table) => wrongLength(random, served(random, table, {}))],
  [3, (random) => random.bytes(random.below(80))],
];
const ALL_WEIGHTS = KINDS.reduce((sum, [weight]) => sum + weight, 0);

/** An IPv4 packet as a client, a broken device or an attacker might send it, padding behind it included. */
export function randomPacket(random: Random, table: ForwardingTable): Uint8Array {
  let draw = random.below(ALL_WEIGHTS);
  const kind = KINDS.find(([weight]) => (draw -= weight) < 0) as (typeof KINDS)[number];
  const packet = kind[1](random, table);
  return random.chance(0.3) ? padded(random, packet) : packet;
}

function served(random: Random, table: ForwardingTable, fields: Partial<Ipv4Fields>): Uint8Array {
  const service = random.pick(table.services);
  const source = client(random);
  return transport(random, service, { source, destination: onlyIpv4(service.vip), ...fields });
}

type Addressed = Partial<Ipv4Fields> & Pick<Ipv4Fields, 'source' | 'destination'>;

function transport(
  random: Random,
  { protocol, port }: Pick<Service, 'protocol' | 'port'>,
  fields: Addressed,
): Uint8Array {
  const ports = { sourcePort: 1024 + random.below(CLIENT_PORTS), destinationPort: port };
  const addresses = { source: fields.source, destination: fields.destination };
  const payload = new Uint8Array(payloadBytes(random));
  const segment =
    protocol === 'tcp'
      ? buildTcp({ ...addresses, ...ports, flags: flags(random), sequence: random.word(), payload })
      : buildUdp({ ...addresses, ...ports, payload });
  return ip(random, { protocol: PROTOCOL[protocol === 'tcp' ? 'tcp' : 'udp'], ...fields }, segment);
}

function ip(random: Random, fields: Ipv4Fields, payload: Uint8Array): Uint8Array {
  const defaults = {
    tos: random.chance(0.5) ? 0 : random.below(256),
    id: random.below(65536),
    dontFragment: random.chance(0.7),
    ttl: random.pick([64, 64, 63, 128, 255, 2]),
  };
  const packet = buildIpv4({ ...defaults, ...fields }, payload);
  if (random.chance(0.05)) steerChecksum(packet, random.pick(CHECKSUM_EDGES));
  return packet;
}

/** Chooses the ID so that the header checksum becomes the one wanted, and right. */
function steerChecksum(packet: Uint8Array, checksum: number): void {
  writeU16(packet, IPV4_AT.checksum, checksum);
  writeU16(packet, IPV4_AT.id, 0);
  writeU16(packet, IPV4_AT.id, internetChecksum(packet, 0, 20));
}

/** Mostly small; else about as large as one of the MTUs allows. */
function payloadBytes(random: Random): number {
  if (random.chance(0.85)) return random.below(40);
  return Math.max(0, random.pick([1500, 1480, 576, 120]) - 40 - random.below(45));
}

function flags(random: Random): number {
  return random.chance(0.9) ? random.pick(USUAL_FLAGS) : random.below(256);
}

function client(random: Random): Ipv4Address {
  return (FIRST_CLIENT + random.below(CLIENTS)) as Ipv4Address;
}

function randomFragment(random: Random): Partial<Ipv4Fields> {
  return {
    id: random.below(4),
    dontFragment: random.chance(0.2),
    moreFragments: random.chance(0.6),
    fragmentOffsetBytes: 8 * random.pick([0, 0, 1, 2, 185, 8191]),
  };
}

/** To another port of a VIP, with another protocol, or to no VIP at all. */
function unserved(random: Random): Uint8Array {
  const source = random.chance(0.1) ? random.pick(VIPS) : client(random);
  const destination = random.chance(0.6) ? random.pick(VIPS) : NOT_A_VIP;
  if (random.chance(0.3)) {
    return ip(random, { source, destination, protocol: random.below(256) }, random.bytes(random.below(60)));
  }
  const port = random.chance(0.5) ? random.pick(PORTS) : random.below(65536);
  return transport(random, { protocol: random.pick(['tcp', 'udp'] as const), port }, { source, destination });
}

/** Echo requests, and errors that quote what a real may have answered. */
function icmp(random: Random, table: ForwardingTable): Uint8Array {
  const { vip: address, port, protocol } = random.pick(table.services);
  const vip = onlyIpv4(address);
  const source = client(random);
  const ports = { sourcePort: port, destinationPort: 1024 + random.below(CLIENT_PORTS) };
  const answer =
    protocol === 'tcp'
      ? buildTcp({ source: vip, destination: source, ...ports, flags: ack })
      : buildUdp({ source: vip, destination: source, ...ports, payload: new Uint8Array(4) });
  const quoted = ip(
    random,
    { source: vip, destination: source, protocol: PROTOCOL[protocol === 'tcp' ? 'tcp' : 'udp'] },
    answer,
  );
  const error = { type: random.pick([3, 3, 4, 5, 11, 12]), code: random.below(6), rest: random.below(2000) };
  const message = random.chance(0.4)
    ? buildIcmp({ type: 8, code: 0, rest: random.word(), payload: random.bytes(8) })
    : buildIcmp({ ...error, payload: quoted.subarray(0, random.between(20, quoted.length)) });
  return ip(random, { source, destination: vip, protocol: PROTOCOL.icmp }, message);
}

function withOptions(random: Random, packet: Uint8Array): Uint8Array {
  const words = random.between(1, 10);
  const header = packet.subarray(0, 20);
  const options = random.chance(0.5) ? new Uint8Array(4 * words).fill(1) : random.bytes(4 * words);
  const longer = new Uint8Array([...header, ...options, ...packet.subarray(20)]);
  longer[0] = 0x45 + words;
  writeU16(longer, IPV4_AT.totalLength, longer.length);
  writeIpv4Checksum(longer, 0, 20 + options.length);
  return longer;
}

/** Some bytes of the headers changed; now and then with a checksum that fits, or one that is 0 or all ones. */
function damaged(random: Random, packet: Uint8Array): Uint8Array {
  for (let hits = random.between(1, 3); hits > 0; hits--) {
    packet[random.below(Math.min(44, packet.length))] = random.below(256);
  }
  if (random.chance(0.5)) writeIpv4Checksum(packet, 0, 20);
  else if (random.chance(0.2)) writeU16(packet, IPV4_AT.checksum, random.pick([0, 0xffff]));
  return packet;
}

function cut(random: Random, packet: Uint8Array): Uint8Array {
  const shorter = packet.slice(0, random.below(packet.length));
  if (shorter.length >= 20 && random.chance(0.5)) {
    writeU16(shorter, IPV4_AT.totalLength, shorter.length);
    writeIpv4Checksum(shorter, 0, 20);
  }
  return shorter;
}

function wrongLength(random: Random, packet: Uint8Array): Uint8Array {
  const wrong = random.pick([0, 19, 20, 27, 28, 39, 40, packet.length - 1, packet.length + 1, 65535]);
  writeU16(packet, IPV4_AT.totalLength, wrong);
  writeIpv4Checksum(packet, 0, 20);
  return packet;
}

function padded(random: Random, packet: Uint8Array): Uint8Array {
  return new Uint8Array([...packet, ...random.bytes(random.between(1, 12))]);
}
