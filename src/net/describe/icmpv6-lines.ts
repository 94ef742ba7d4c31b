// Describes ICMPv6.
import { formatIpv6 } from '../address/ipv6-address.ts';
import { PARSE_FAULTS } from '../fault.ts';
import { formatMac, type MacAddress } from '../headers/ethernet.ts';
import {
  ICMPV6_HEADER_BYTES,
  ICMPV6_TYPE,
  type Icmpv6Header,
  icmpv6Mtu,
  isIcmpv6Error,
  parseIcmpv6,
} from '../headers/icmpv6.ts';
import { PROTOCOL } from '../headers/ipv4.ts';
import { parseNeighbourAdvertisement, parseNeighbourSolicitation } from '../headers/neighbour-discovery.ts';
import { type Carrier, transportVerdict } from './carrier.ts';
import { dataLines, faultLines, hex, indent, nameOf } from './text.ts';

export function icmpv6Lines(message: Uint8Array, carrier: Carrier): string[] {
  const header = parseIcmpv6(message, 0);
  if (typeof header === 'string') return faultLines('ICMPv6', header, message);
  const mtu = icmpv6Mtu(header);
  const detail = mtu === undefined ? `rest ${hex(header.rest, 8)}` : `MTU ${mtu}`;
  const name = nameOf(ICMPV6_TYPE, header.type) ?? 'unknown type';
  const line =
    `ICMPv6 type ${header.type} code ${header.code} (${name}), ${detail}, ` +
    `checksum ${hex(header.checksum, 4)}${transportVerdict(message, carrier, PROTOCOL.icmpv6)}`;
  return [line, ...indent(bodyLines(header, message, carrier))];
}

function bodyLines(header: Icmpv6Header, message: Uint8Array, carrier: Carrier): string[] {
  const payload = message.subarray(ICMPV6_HEADER_BYTES);
  if (isIcmpv6Error(header.type)) return carrier.describeIp(payload, true);
  if (!carrier.whole) return dataLines(payload);
  if (header.type === ICMPV6_TYPE.neighbourSolicitation) return [solicitationLine(carrier.packet)];
  if (header.type === ICMPV6_TYPE.neighbourAdvertisement) return [advertisementLine(carrier.packet)];
  return dataLines(payload);
}

function solicitationLine(packet: Uint8Array): string {
  const parsed = parseNeighbourSolicitation(packet);
  if (typeof parsed === 'string') return `INVALID: ${PARSE_FAULTS[parsed]}`;
  return `who has ${formatIpv6(parsed.target)}, asked from ${macText(parsed.sourceLinkAddress)}`;
}

function advertisementLine(packet: Uint8Array): string {
  const parsed = parseNeighbourAdvertisement(packet);
  if (typeof parsed === 'string') return `INVALID: ${PARSE_FAULTS[parsed]}`;
  const flags = (['router', 'solicited', 'override'] as const).filter((flag) => parsed[flag]);
  return `${formatIpv6(parsed.target)} is at ${macText(parsed.targetLinkAddress)} [${flags.join(' ')}]`;
}

function macText(mac: MacAddress | undefined): string {
  return mac === undefined ? 'no link address' : formatMac(mac);
}
