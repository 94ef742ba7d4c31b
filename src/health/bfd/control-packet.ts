// BFD control packets (RFC 5880, section 4.1).
import { readU32, writeU32 } from '../../net/bytes.ts';

/** The session states with their numbers in packets (RFC 5880, section 4.1). */
export const BFD_STATE = { adminDown: 0, down: 1, init: 2, up: 3 } as const;
export type BfdState = (typeof BFD_STATE)[keyof typeof BFD_STATE];

/** The diagnostics: why a session last left Up. */
export const BFD_DIAGNOSTIC = { none: 0, timeExpired: 1, neighborDown: 3, adminDown: 7 } as const;

/** The texts of the diagnostics, by number. Numbers from 9 on are not assigned. */
const DIAGNOSTICS = [
  'no diagnostic',
  'control detection time expired',
  'echo function failed',
  'neighbor signaled session down',
  'forwarding plane reset',
  'path down',
  'concatenated path down',
  'administratively down',
  'reverse concatenated path down',
];

export function describeDiagnostic(diagnostic: number): string {
  return DIAGNOSTICS[diagnostic] ?? `diagnostic ${diagnostic}`;
}

/** A BFD control packet without authentication. Intervals are microseconds, 32 bits. */
export interface ControlPacket {
  /** 5 bits. */
  readonly diagnostic: number;
  readonly state: BfdState;
  readonly poll: boolean;
  readonly final: boolean;
  readonly controlPlaneIndependent: boolean;
  readonly demand: boolean;
  /** 1 to 255. */
  readonly multiplier: number;
  /** The sender's discriminator, which is not 0. */
  readonly myDiscriminator: number;
  /** 0: not known yet. */
  readonly yourDiscriminator: number;
  readonly desiredMinTxUs: number;
  /** 0: it wants no periodic packets. */
  readonly requiredMinRxUs: number;
  readonly requiredMinEchoRxUs: number;
}

export const CONTROL_PACKET_BYTES = 24;
const VERSION = 1;
const FLAG = {
  poll: 0x20,
  final: 0x10,
  controlPlaneIndependent: 0x08,
  authenticated: 0x04,
  demand: 0x02,
  multipoint: 0x01,
};
const AT = { diagnostic: 0, flags: 1, multiplier: 2, length: 3, my: 4, your: 8, tx: 12, rx: 16, echo: 20 };

export function encodeControlPacket(packet: ControlPacket): Uint8Array {
  const bytes = new Uint8Array(CONTROL_PACKET_BYTES);
  bytes[AT.diagnostic] = (VERSION << 5) | packet.diagnostic;
  bytes[AT.flags] =
    (packet.state << 6) |
    (packet.poll ? FLAG.poll : 0) |
    (packet.final ? FLAG.final : 0) |
    (packet.controlPlaneIndependent ? FLAG.controlPlaneIndependent : 0) |
    (packet.demand ? FLAG.demand : 0);
  bytes[AT.multiplier] = packet.multiplier;
  bytes[AT.length] = CONTROL_PACKET_BYTES;
  writeU32(bytes, AT.my, packet.myDiscriminator);
  writeU32(bytes, AT.your, packet.yourDiscriminator);
  writeU32(bytes, AT.tx, packet.desiredMinTxUs);
  writeU32(bytes, AT.rx, packet.requiredMinRxUs);
  writeU32(bytes, AT.echo, packet.requiredMinEchoRxUs);
  return bytes;
}

/**
 * Decodes a control packet. Returns undefined for one that a receiver must discard whatever session it is for (RFC 5880, section
 * 6.8.6), and for packets with authentication, which no session here uses.
 */
export function decodeControlPacket(bytes: Uint8Array): ControlPacket | undefined {
  const [first = 0, flags = 0, multiplier = 0, length = 0] = bytes;
  if (first >>> 5 !== VERSION || length < CONTROL_PACKET_BYTES || length > bytes.length) return undefined;
  if (multiplier === 0 || (flags & (FLAG.authenticated | FLAG.multipoint)) !== 0) return undefined;
  const state = (flags >>> 6) as BfdState;
  const [myDiscriminator, yourDiscriminator] = [readU32(bytes, AT.my), readU32(bytes, AT.your)];
  if (myDiscriminator === 0) return undefined;
  if (yourDiscriminator === 0 && state !== BFD_STATE.down && state !== BFD_STATE.adminDown) return undefined;
  return {
    diagnostic: first & 0x1f,
    state,
    poll: (flags & FLAG.poll) !== 0,
    final: (flags & FLAG.final) !== 0,
    controlPlaneIndependent: (flags & FLAG.controlPlaneIndependent) !== 0,
    demand: (flags & FLAG.demand) !== 0,
    multiplier,
    myDiscriminator,
    yourDiscriminator,
    desiredMinTxUs: readU32(bytes, AT.tx),
    requiredMinRxUs: readU32(bytes, AT.rx),
    requiredMinEchoRxUs: readU32(bytes, AT.echo),
  };
}
