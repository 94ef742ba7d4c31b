// ICMPv6 messages (RFC 4443).
import type { Ipv6Address } from '../address/ipv6-address.ts';
import { readU16, readU32, writeU16, writeU32 } from '../bytes.ts';
import { transportChecksum } from '../checksum.ts';
import type { ParseFault } from '../fault.ts';
import { PROTOCOL } from './ipv4.ts';

export const ICMPV6_HEADER_BYTES = 8;
export const ICMPV6_TYPE = {
  destinationUnreachable: 1,
  packetTooBig: 2,
  timeExceeded: 3,
  parameterProblem: 4,
  echoRequest: 128,
  echoReply: 129,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
} as const;

/** Codes of destination unreachable (RFC 4443, 3.1), of time exceeded the two `...Exceeded`, of parameter problem the last three. */
export const ICMPV6_CODE = {
  noRoute: 0,
  administrativelyProhibited: 1,
  beyondScope: 2,
  addressUnreachable: 3,
  portUnreachable: 4,
  hopLimitExceeded: 0,
  reassemblyTimeExceeded: 1,
  erroneousField: 0,
  unrecognizedNextHeader: 1,
  unrecognizedOption: 2,
} as const;

/** An ICMPv6 message (RFC 4443); what follows its 8 bytes is the quoted packet or the echo data. */
export interface Icmpv6Header {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  /** The second word: the MTU of packet too big, the pointer of parameter problem, an echo's identifier and sequence number. */
  readonly rest: number;
}

export interface Icmpv6Fields {
  /** The addresses of the packet, for the pseudo header. */
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  readonly type: number;
  readonly code: number;
  /** The second word; 0 unless given. */
  readonly rest?: number;
  readonly payload?: Uint8Array;
}

/** Reads the ICMPv6 header that is at `at` in a packet that ends before `end`. */
export function parseIcmpv6(
  packet: Uint8Array,
  at: number,
  end: number = packet.length,
): Icmpv6Header | ParseFault {
  if (Math.min(end, packet.length) - at < ICMPV6_HEADER_BYTES) return 'icmpv6-truncated';
  return {
    type: packet[at] as number,
    code: packet[at + 1] as number,
    checksum: readU16(packet, at + 2),
    rest: readU32(packet, at + 4),
  };
}

/** The MTU that a message announces; undefined of one that is not packet too big. */
export function icmpv6Mtu({ type, rest }: Icmpv6Header): number | undefined {
  return type === ICMPV6_TYPE.packetTooBig ? rest : undefined;
}

/** An ICMPv6 message with its checksum. */
export function buildIcmpv6(fields: Icmpv6Fields): Uint8Array {
  const payload = fields.payload ?? new Uint8Array(0);
  const message = new Uint8Array(ICMPV6_HEADER_BYTES + payload.length);
  message[0] = fields.type;
  message[1] = fields.code;
  writeU32(message, 4, fields.rest ?? 0);
  message.set(payload, ICMPV6_HEADER_BYTES);
  writeU16(message, 2, transportChecksum(message, fields.source, fields.destination, PROTOCOL.icmpv6));
  return message;
}

/**
 * True of messages that quote the packet they are about, known or not (RFC 4443, 2.1). No error may be sent about them, nor
 * about a redirect (2.4 e).
 */
export function isIcmpv6Error(type: number): boolean {
  return type < 128;
}
