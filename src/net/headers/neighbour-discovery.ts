// Neighbour discovery (RFC 4861).
import {
  IPV6_ADDRESS_BYTES,
  type Ipv6Address,
  readIpv6Address,
  writeIpv6Address,
} from '../address/ipv6-address.ts';
import { isIpv6Multicast, isSolicitedNode, solicitedNodeAddress } from '../address/ipv6-multicast.ts';
import { transportChecksum } from '../checksum.ts';
import type { ParseFault } from '../fault.ts';
import { ownBytes } from '../owned-bytes.ts';
import { MAC_BYTES, type MacAddress } from './ethernet.ts';
import { buildIcmpv6, ICMPV6_HEADER_BYTES, ICMPV6_TYPE, type Icmpv6Header, parseIcmpv6 } from './icmpv6.ts';
import { PROTOCOL } from './ipv4.ts';
import { buildIpv6, type Ipv6Header, parseIpv6Header } from './ipv6.ts';
import { findUpperLayer } from './ipv6-extensions.ts';

export const ND_OPTION = { sourceLinkAddress: 1, targetLinkAddress: 2 } as const;
export const UNSPECIFIED = 0n as Ipv6Address;

/** A router would have counted it down: what has it was sent on this link (RFC 4861, 3.1). */
const HOP_LIMIT = 255;
const MESSAGE_BYTES = ICMPV6_HEADER_BYTES + IPV6_ADDRESS_BYTES;
const FLAG = { router: 0x8000_0000, solicited: 0x4000_0000, override: 0x2000_0000 } as const;

/** A neighbour solicitation (RFC 4861, 4.3). */
export interface NeighbourSolicitation {
  /** `UNSPECIFIED` of a node that asks whether its new address is taken already. */
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  readonly target: Ipv6Address;
  /** The sender's; a copy, 6 bytes. */
  readonly sourceLinkAddress: MacAddress | undefined;
}

/** A neighbour advertisement (RFC 4861, 4.4). */
export interface NeighbourAdvertisement {
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  /** The address whose link address is asked for or announced. */
  readonly target: Ipv6Address;
  readonly targetLinkAddress: MacAddress | undefined;
  readonly router: boolean;
  /** It answers a solicitation. */
  readonly solicited: boolean;
  /** It holds against what the receiver has remembered. */
  readonly override: boolean;
}

/** Reads a whole IPv6 packet, held to RFC 4861, 7.1.1, and not a fragment (RFC 6980). Link addresses are those of Ethernet. */
export function parseNeighbourSolicitation(packet: Uint8Array): NeighbourSolicitation | ParseFault {
  const message = parseMessage(packet, ICMPV6_TYPE.neighbourSolicitation);
  if (typeof message === 'string') return message;
  const { ip, target, options } = message;
  const sourceLinkAddress = linkAddress(options, ND_OPTION.sourceLinkAddress);
  const isProbe = ip.source === UNSPECIFIED;
  if (isProbe && !isSolicitedNode(ip.destination)) return 'nd-addresses';
  if (isProbe && options.some(({ type }) => type === ND_OPTION.sourceLinkAddress)) return 'nd-option';
  return { source: ip.source, destination: ip.destination, target, sourceLinkAddress };
}

/** Parses an advertisement and validates it by RFC 4861, 7.1.2. */
export function parseNeighbourAdvertisement(packet: Uint8Array): NeighbourAdvertisement | ParseFault {
  const message = parseMessage(packet, ICMPV6_TYPE.neighbourAdvertisement);
  if (typeof message === 'string') return message;
  const { ip, icmp, target, options } = message;
  const solicited = (icmp.rest & FLAG.solicited) !== 0;
  if (solicited && isIpv6Multicast(ip.destination)) return 'nd-addresses';
  return {
    source: ip.source,
    destination: ip.destination,
    target,
    targetLinkAddress: linkAddress(options, ND_OPTION.targetLinkAddress),
    router: (icmp.rest & FLAG.router) !== 0,
    solicited,
    override: (icmp.rest & FLAG.override) !== 0,
  };
}

/** A whole IPv6 packet that asks for the link address of `target`: of all who might have it, unless `destination` is given. */
export function buildNeighbourSolicitation(
  fields: Omit<NeighbourSolicitation, 'destination'> & { readonly destination?: Ipv6Address },
): Uint8Array {
  return buildMessage({
    source: fields.source,
    destination: fields.destination ?? solicitedNodeAddress(fields.target),
    type: ICMPV6_TYPE.neighbourSolicitation,
    rest: 0,
    target: fields.target,
    option: linkAddressOption(ND_OPTION.sourceLinkAddress, fields.sourceLinkAddress),
  });
}

/** A whole IPv6 packet. */
export function buildNeighbourAdvertisement(fields: NeighbourAdvertisement): Uint8Array {
  return buildMessage({
    source: fields.source,
    destination: fields.destination,
    type: ICMPV6_TYPE.neighbourAdvertisement,
    rest:
      (fields.router ? FLAG.router : 0) +
      (fields.solicited ? FLAG.solicited : 0) +
      (fields.override ? FLAG.override : 0),
    target: fields.target,
    option: linkAddressOption(ND_OPTION.targetLinkAddress, fields.targetLinkAddress),
  });
}

interface Option {
  readonly type: number;
  /** Behind type and length. */
  readonly data: Uint8Array;
}

interface Message {
  readonly ip: Ipv6Header;
  readonly icmp: Icmpv6Header;
  readonly target: Ipv6Address;
  readonly options: readonly Option[];
}

function parseMessage(packet: Uint8Array, type: number): Message | ParseFault {
  const ip = parseIpv6Header(packet);
  if (typeof ip === 'string') return ip;
  const upper = findUpperLayer(packet);
  if (typeof upper === 'string') return upper;
  if (upper.protocol !== PROTOCOL.icmpv6 || upper.fragment !== undefined) return 'nd-kind';
  const message = packet.subarray(upper.at, ip.totalLength);
  const icmp = parseIcmpv6(message, 0);
  if (typeof icmp === 'string') return icmp;
  if (icmp.type !== type) return 'nd-kind';
  if (ip.hopLimit !== HOP_LIMIT) return 'nd-hop-limit';
  if (transportChecksum(message, ip.source, ip.destination, PROTOCOL.icmpv6) !== 0) return 'nd-checksum';
  if (icmp.code !== 0) return 'nd-code';
  if (message.length < MESSAGE_BYTES) return 'nd-truncated';
  const target = readIpv6Address(message, ICMPV6_HEADER_BYTES);
  if (isIpv6Multicast(target)) return 'nd-target';
  const options = parseOptions(message.subarray(MESSAGE_BYTES));
  return typeof options === 'string' ? options : { ip, icmp, target, options };
}

function parseOptions(bytes: Uint8Array): readonly Option[] | ParseFault {
  const options: Option[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at + 1] ?? 0) * 8;
    if (length === 0 || at + length > bytes.length) return 'nd-option';
    options.push({ type: bytes[at] as number, data: bytes.subarray(at + 2, at + length) });
    at += length;
  }
  return options;
}

/** The first of that type, as long as Ethernet has it. */
function linkAddress(options: readonly Option[], type: number): MacAddress | undefined {
  const found = options.find((option) => option.type === type && option.data.length === MAC_BYTES);
  return found && ownBytes(found.data);
}

function linkAddressOption(type: number, mac: MacAddress | undefined): Uint8Array {
  return mac === undefined ? new Uint8Array(0) : Uint8Array.of(type, 1, ...mac);
}

interface MessageFields {
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  readonly type: number;
  readonly rest: number;
  readonly target: Ipv6Address;
  readonly option: Uint8Array;
}

function buildMessage({ target, option, ...fields }: MessageFields): Uint8Array {
  const payload = new Uint8Array(IPV6_ADDRESS_BYTES + option.length);
  writeIpv6Address(payload, 0, target);
  payload.set(option, IPV6_ADDRESS_BYTES);
  const message = buildIcmpv6({ ...fields, code: 0, payload });
  const { source, destination } = fields;
  return buildIpv6({ source, destination, nextHeader: PROTOCOL.icmpv6, hopLimit: HOP_LIMIT }, message);
}
