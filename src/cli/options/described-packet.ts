// Builds the packet that the options of `culvert explain` describe.
import { CulvertError } from '../../errors.ts';
import { buildIp } from '../../forwarding/packets/build-ip.ts';
import { familyOf, type IpAddress, parseIp } from '../../net/address/ip-address.ts';
import { IPV4_HEADER_BYTES, IPV4_MAX_BYTES, PROTOCOL } from '../../net/headers/ipv4.ts';
import { IPV6_HEADER_BYTES } from '../../net/headers/ipv6.ts';
import { buildTcp, TCP_FLAGS, TCP_HEADER_BYTES } from '../../net/headers/tcp.ts';
import { buildUdp, UDP_HEADER_BYTES } from '../../net/headers/udp.ts';

/** A packet as the options of `explain` describe it. */
export interface DescribedPacket {
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** `TCP_FLAGS` or-ed together; undefined: UDP. */
  readonly tcpFlags: number | undefined;
  /** Length of the whole IP packet; undefined: headers only. */
  readonly length?: number | undefined;
  readonly df?: boolean | undefined;
  readonly ttl?: number | undefined;
  readonly tos?: number | undefined;
}

export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

/** Reads `192.0.2.10:80` or `[2001:db8::10]:80`; undefined if it is not that. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, ipv4, ipv6, port = ''] = /^(?:([\d.]+)|\[([\da-fA-F:.]+)\]):(\d{1,5})$/.exec(text) ?? [];
  const address = parseIp(ipv4 ?? ipv6 ?? '');
  return address === undefined || Number(port) > 65_535 ? undefined : { address, port: Number(port) };
}

/** Reads `syn`, `syn,ack`, `none`; undefined when a name is no flag. */
export function parseTcpFlags(text: string): number | undefined {
  if (text === 'none') return 0;
  const bits = text.split(',').map((name) => (TCP_FLAGS as Readonly<Record<string, number>>)[name]);
  return bits.reduce<number | undefined>(
    (flags, bit) => (flags === undefined || bit === undefined ? undefined : flags | bit),
    0,
  );
}

/** The packet, checksums right. @throws CulvertError USAGE for mixed families, or a length without room for the headers. */
export function buildDescribedPacket(described: DescribedPacket): Uint8Array {
  const { from, to, tcpFlags, df, ttl, tos } = described;
  const family = familyOf(from.address);
  if (familyOf(to.address) !== family) {
    throw new CulvertError(
      'USAGE',
      '--from and --to have different address families. fix: give both as IPv4 or both as IPv6',
    );
  }
  if (family === 6 && df === true)
    throw new CulvertError('USAGE', '--df applies to IPv4 only. fix: remove it');
  const ports = {
    source: from.address,
    destination: to.address,
    sourcePort: from.port,
    destinationPort: to.port,
    payload: new Uint8Array(payloadBytes(described)),
  };
  const transport =
    tcpFlags === undefined
      ? { protocol: PROTOCOL.udp, bytes: buildUdp(ports) }
      : { protocol: PROTOCOL.tcp, bytes: buildTcp({ ...ports, flags: tcpFlags }) };
  return buildIp(
    {
      source: from.address,
      destination: to.address,
      protocol: transport.protocol,
      dontFragment: df ?? false,
      ttl: ttl ?? 64,
      tos: tos ?? 0,
    },
    transport.bytes,
  );
}

function payloadBytes({ from, length, tcpFlags }: DescribedPacket): number {
  const ipHeader = familyOf(from.address) === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const headers = ipHeader + (tcpFlags === undefined ? UDP_HEADER_BYTES : TCP_HEADER_BYTES);
  if (length === undefined) return 0;
  if (length >= headers && length <= IPV4_MAX_BYTES) return length - headers;
  throw new CulvertError('USAGE', `--length must be from ${headers} (the headers) to ${IPV4_MAX_BYTES}`);
}
