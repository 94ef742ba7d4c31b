import type { ForwardingTable } from '../../src/forwarding/forwarding-table.ts';
import type { IpFields } from '../../src/forwarding/packets/build-ip.ts';
import { concatBytes, writeU16 } from '../../src/net/bytes.ts';
import { IPV4_AT, IPV4_HEADER_BYTES, writeIpv4Checksum } from '../../src/net/headers/ipv4.ts';
import { IPV6_AT, IPV6_HEADER_BYTES } from '../../src/net/headers/ipv6.ts';
import { EXTENSION_HEADER, fragmentHeader } from '../../src/net/headers/ipv6-extensions.ts';
import { isIpv6Packet } from './frame.ts';
import type { Random } from './random.ts';
import { randomIcmp } from './random-icmp.ts';
import { randomClient, randomIp, randomTransport } from './random-ip.ts';
import { NOT_VIPS, PORTS, VIPS } from './random-table.ts';

const { hopByHop, routing, authentication, destinationOptions } = EXTENSION_HEADER;

/** Kinds of packets by how often they are wanted. */
const KINDS: readonly (readonly [
  weight: number,
  make: (random: Random, table: ForwardingTable) => Uint8Array,
])[] = [
  [60, served],
  [6, (random, table) => served(random, table, { ttl: random.below(3) })],
  [4, fragment],
  [4, (random, table) => withOptions(random, served(random, table))],
  [4, unserved],
  [4, randomIcmp],
  [6, (random, table) => damaged(random, served(random, table))],
  [5, (random, table) => cut(random, served(random, table))],
  [4, (random, table) => wrongLength(random, served(random, table))],
  [3, (random) => random.bytes(random.below(80))],
];
const ALL_WEIGHTS = KINDS.reduce((sum, [weight]) => sum + weight, 0);

/** An IP packet as a client, a broken device or an attacker might send it, padding behind it included. */
export function randomPacket(random: Random, table: ForwardingTable): Uint8Array {
  let draw = random.below(ALL_WEIGHTS);
  const kind = KINDS.find(([weight]) => (draw -= weight) < 0) as (typeof KINDS)[number];
  const packet = kind[1](random, table);
  return random.chance(0.3) ? concatBytes(packet, random.bytes(random.between(1, 12))) : packet;
}

function served(random: Random, table: ForwardingTable, fields: Partial<IpFields> = {}): Uint8Array {
  const service = random.pick(table.services);
  const source = randomClient(random, service.vip);
  const port =
    service.port === 0 ? random.pick(PORTS) : random.pick([service.port, ...(service.morePorts ?? [])]);
  return randomTransport(random, { ...service, port }, { source, destination: service.vip, ...fields });
}

/** To another port of a VIP, with another protocol, or to no VIP at all. */
function unserved(random: Random): Uint8Array {
  const destination = random.pick(random.chance(0.6) ? VIPS : NOT_VIPS);
  const source = random.chance(0.1) ? destination : randomClient(random, destination);
  if (random.chance(0.3)) {
    const fields = { source, destination, protocol: random.below(256) };
    return randomIp(random, fields, random.bytes(random.below(60)));
  }
  const port = random.chance(0.5) ? random.pick(PORTS) : random.below(65536);
  const protocol = random.pick(['tcp', 'tcp', 'udp', 'udp', 'sctp'] as const);
  return randomTransport(random, { protocol, port }, { source, destination });
}

function fragment(random: Random, table: ForwardingTable): Uint8Array {
  const place = {
    id: random.below(4),
    moreFragments: random.chance(0.6),
    fragmentOffsetBytes: 8 * random.pick([0, 0, 1, 2, 185, 8191]),
  };
  const packet = served(random, table, { ...place, dontFragment: random.chance(0.2) });
  if (!isIpv6Packet(packet)) return packet;
  const { id, moreFragments: more, fragmentOffsetBytes: offsetBytes } = place;
  return withExtension(packet, EXTENSION_HEADER.fragment, (nextHeader) =>
    fragmentHeader(nextHeader, { id, offsetBytes, more }),
  );
}

function withOptions(random: Random, packet: Uint8Array): Uint8Array {
  return isIpv6Packet(packet) ? withExtensions(random, packet) : withIpv4Options(random, packet);
}

function withIpv4Options(random: Random, packet: Uint8Array): Uint8Array {
  const words = random.between(1, 10);
  const options = random.chance(0.5) ? new Uint8Array(4 * words).fill(1) : random.bytes(4 * words);
  const longer = concatBytes(
    packet.subarray(0, IPV4_HEADER_BYTES),
    options,
    packet.subarray(IPV4_HEADER_BYTES),
  );
  longer[0] = 0x45 + words;
  writeU16(longer, IPV4_AT.totalLength, longer.length);
  writeIpv4Checksum(longer, 0, IPV4_HEADER_BYTES + options.length);
  return longer;
}

function withExtensions(random: Random, packet: Uint8Array): Uint8Array {
  let longer = packet;
  for (let wanted = random.between(1, 3); wanted > 0; wanted--) {
    const kind = random.pick([destinationOptions, destinationOptions, hopByHop, routing, authentication]);
    const segmentsLeft = random.chance(0.3) ? 1 : 0;
    longer = withExtension(longer, kind, (nextHeader) =>
      Uint8Array.of(
        nextHeader,
        kind === authentication ? 1 : 0,
        1,
        kind === routing ? segmentsLeft : 4,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
      ).subarray(0, kind === authentication ? 12 : 8),
    );
  }
  return longer;
}

/** Puts an extension header right behind the IPv6 header. */
function withExtension(
  packet: Uint8Array,
  kind: number,
  make: (nextHeader: number) => Uint8Array,
): Uint8Array {
  const header = packet.slice(0, IPV6_HEADER_BYTES);
  const extension = make(header[IPV6_AT.nextHeader] as number);
  header[IPV6_AT.nextHeader] = kind;
  writeU16(header, IPV6_AT.payloadLength, packet.length - IPV6_HEADER_BYTES + extension.length);
  return concatBytes(header, extension, packet.subarray(IPV6_HEADER_BYTES));
}

/** Some bytes of the headers changed; now and then with a checksum that fits, or one that is 0 or all ones. */
function damaged(random: Random, packet: Uint8Array): Uint8Array {
  const headerBytes = isIpv6Packet(packet) ? 64 : 44;
  for (let hits = random.between(1, 3); hits > 0; hits--) {
    packet[random.below(Math.min(headerBytes, packet.length))] = random.below(256);
  }
  if (headerBytes === 64) return packet;
  if (random.chance(0.5)) writeIpv4Checksum(packet, 0, 20);
  else if (random.chance(0.2)) writeU16(packet, IPV4_AT.checksum, random.pick([0, 0xffff]));
  return packet;
}

function cut(random: Random, packet: Uint8Array): Uint8Array {
  const shorter = packet.slice(0, random.below(packet.length));
  if (random.chance(0.5)) claimLength(shorter, shorter.length);
  return shorter;
}

function wrongLength(random: Random, packet: Uint8Array): Uint8Array {
  const { length } = packet;
  claimLength(
    packet,
    random.pick([0, 19, 20, 27, 28, 39, 40, 47, 48, 59, 60, length - 1, length + 1, 65535]),
  );
  return packet;
}

/** Where there is a header to say it in. */
function claimLength(packet: Uint8Array, bytes: number): void {
  if (isIpv6Packet(packet)) {
    if (packet.length >= IPV6_HEADER_BYTES)
      writeU16(packet, IPV6_AT.payloadLength, Math.max(0, bytes - IPV6_HEADER_BYTES));
  } else if (packet.length >= IPV4_HEADER_BYTES) {
    writeU16(packet, IPV4_AT.totalLength, bytes);
    writeIpv4Checksum(packet, 0, IPV4_HEADER_BYTES);
  }
}
