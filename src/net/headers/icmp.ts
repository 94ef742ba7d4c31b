// ICMP messages (RFC 792).
import { readU16, readU32, writeU16, writeU32 } from '../bytes.ts';
import { internetChecksum } from '../checksum.ts';
import type { ParseFault } from '../fault.ts';

export const ICMP_HEADER_BYTES = 8;
export const ICMP_TYPE = {
  echoReply: 0,
  destinationUnreachable: 3,
  sourceQuench: 4,
  redirect: 5,
  echoRequest: 8,
  timeExceeded: 11,
  parameterProblem: 12,
} as const;

/** Codes of destination unreachable, and of time exceeded the first two. */
export const ICMP_CODE = {
  netUnreachable: 0,
  hostUnreachable: 1,
  protocolUnreachable: 2,
  portUnreachable: 3,
  fragmentationNeeded: 4,
  ttlExceeded: 0,
  reassemblyTimeExceeded: 1,
} as const;

/** An ICMP message (RFC 792); what follows its 8 bytes is the quoted packet or the echo data. */
export interface IcmpHeader {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  /** The second word: identifier and sequence number of an echo. */
  readonly rest: number;
  /** The MTU in fragmentation needed (RFC 1191); 0 from routers that do not report it. */
  readonly nextHopMtu: number;
}

export interface IcmpFields {
  readonly type: number;
  readonly code: number;
  /** The second word; 0 unless given. */
  readonly rest?: number;
  readonly payload?: Uint8Array;
}

/** Reads the ICMP header that is at `at` in a packet that ends before `end`. */
export function parseIcmp(
  packet: Uint8Array,
  at: number,
  end: number = packet.length,
): IcmpHeader | ParseFault {
  if (Math.min(end, packet.length) - at < ICMP_HEADER_BYTES) return 'icmp-truncated';
  return {
    type: packet[at] as number,
    code: packet[at + 1] as number,
    checksum: readU16(packet, at + 2),
    rest: readU32(packet, at + 4),
    nextHopMtu: readU16(packet, at + 6),
  };
}

/** An ICMP message with its checksum. */
export function buildIcmp(fields: IcmpFields): Uint8Array {
  const payload = fields.payload ?? new Uint8Array(0);
  const message = new Uint8Array(ICMP_HEADER_BYTES + payload.length);
  message[0] = fields.type;
  message[1] = fields.code;
  writeU32(message, 4, fields.rest ?? 0);
  message.set(payload, ICMP_HEADER_BYTES);
  writeU16(message, 2, internetChecksum(message, 0, message.length));
  return message;
}

/** True of messages that quote the packet they are about; no ICMP error may be sent about them (RFC 1122, 3.2.2). */
export function isIcmpError(type: number): boolean {
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}
