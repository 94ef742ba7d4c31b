// Sends the probes that verify a reported path MTU, and takes their answers.
import { familyOf, type IpAddress, type IpFamily } from '../../net/address/ip-address.ts';
import { readU16, writeU32 } from '../../net/bytes.ts';
import { internetChecksum, transportChecksum } from '../../net/checksum.ts';
import { isFault } from '../../net/fault.ts';
import { ICMP_HEADER_BYTES, ICMP_TYPE } from '../../net/headers/icmp.ts';
import { ICMPV6_TYPE } from '../../net/headers/icmpv6.ts';
import { IPV4_HEADER_BYTES } from '../../net/headers/ipv4.ts';
import { IPV6_HEADER_BYTES } from '../../net/headers/ipv6.ts';
import { buildEchoRequest } from '../answers/answers.ts';
import { isIcmp } from '../answers/icmp-messages.ts';
import { flowHash } from '../hashing/flow-hash.ts';
import type { RealEntry } from '../image/forwarding-image.ts';
import { type IpHeader, isFragment, parseIpHeader } from '../packets/ip-header.ts';
import type { ForwarderState } from '../state.ts';
import { encapsulate } from '../tunnel/encapsulate.ts';
import { tunnelOverheadBytes } from '../tunnel/kind.ts';
import { gueSourcePort } from '../tunnel/source-port.ts';
import type { Probe } from './probes.ts';

const ECHO_REPLY: Readonly<Record<IpFamily, number>> = { 4: ICMP_TYPE.echoReply, 6: ICMPV6_TYPE.echoReply };
const TOKEN_BYTES = 8;

/** The probes to send, and what earlier ones showed. */
export interface ProbeStep {
  /** Whole outer packets with DF set, to be sent like those of a decision. */
  readonly packets: readonly Uint8Array[];
  /** The reals whose path MTU is lower now. */
  readonly lowered: readonly { readonly real: IpAddress; readonly mtuBytes: number }[];
}

/**
 * Continues the probes that short reports made necessary. Call it whenever `learnPathMtu` says `needs-probe`, and about every
 * quarter of a second.
 *
 * A probe is an echo request from the director to the VIP, in the real's tunnel, which the real answers directly. The answers
 * come to the director's own address: a raw socket passes each echo reply to `takeProbeReply`.
 */
export function probePaths(state: ForwarderState, nowMs: number): ProbeStep {
  const { pathProbes, pathMtus, image } = state;
  const lowered: { real: IpAddress; mtuBytes: number }[] = [];
  for (const { real: index, address, mtuBytes, isConfirmed } of pathProbes.settle(nowMs)) {
    const real = image.real(index);
    if (!isConfirmed || real?.address !== address || mtuBytes >= real.mtuBytes) continue;
    pathMtus.lower(image, address, { currentBytes: real.mtuBytes, mtuBytes, nowMs });
    image.countReason('path-mtu-lowered');
    lowered.push({ real: address, mtuBytes });
  }
  const packets = pathProbes.due(nowMs).flatMap((probe) => buildProbe(state, probe) ?? []);
  return { packets, lowered };
}

/**
 * Takes an echo reply to the director's own address. Returns false if it answers no probe.
 * @param packet the whole packet, IP header included
 */
export function takeProbeReply(packet: Uint8Array, state: ForwarderState): boolean {
  const header = parseIpHeader(packet);
  if (isFault(header) || isFragment(header) || !isIcmp(header)) return false;
  const message = packet.subarray(header.headerBytes, header.totalLength);
  return isSound(message, header) && takeProbeReplyMessage(message, header.source, state);
}

/** Takes an echo reply from a raw ICMPv6 socket, which gives the message alone, with a verified checksum, and its source. */
export function takeProbeReplyMessage(
  message: Uint8Array,
  source: IpAddress,
  state: ForwarderState,
): boolean {
  if (message.length < ICMP_HEADER_BYTES + TOKEN_BYTES) return false;
  if (message[0] !== ECHO_REPLY[familyOf(source)]) return false;
  const identifier = readU16(message, 4);
  const sequence = readU16(message, 6);
  const index = state.pathProbes.realOf(identifier);
  const real = index === undefined ? undefined : state.image.real(index);
  if (real === undefined || real.service.vip !== source) return false;
  const token = tokenOf(state, { identifier, sequence, real: real.index });
  if (!token.every((byte, i) => message[ICMP_HEADER_BYTES + i] === byte)) return false;
  state.pathProbes.answered(real.address, sequence);
  return true;
}

function isSound(message: Uint8Array, { family, source, destination, protocol }: IpHeader): boolean {
  return family === 4
    ? internetChecksum(message, 0, message.length) === 0
    : transportChecksum(message, source, destination, protocol) === 0;
}

/** Builds a probe. Returns undefined if the real is gone, or if the director has no address of the VIP's family. */
function buildProbe(state: ForwarderState, probe: Probe): Uint8Array | undefined {
  const real = state.image.real(probe.real);
  const source = real && ownAddress(state, real);
  if (real === undefined || source === undefined) return undefined;
  const { vip: destination } = real.service;
  // An echo request has no transport checksum that could be left to the receiver.
  const { tunnel: own } = real;
  const tunnel =
    own.type === 'gue' && own.checksum === 'remote' ? { ...own, checksum: 'full' as const } : own;
  const headerBytes = familyOf(source) === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const dataBytes =
    probe.sizeBytes - tunnelOverheadBytes(tunnel, familyOf(real.address)) - headerBytes - ICMP_HEADER_BYTES;
  const data = new Uint8Array(Math.max(dataBytes, TOKEN_BYTES));
  data.set(tokenOf(state, probe));
  const rest = ((probe.identifier << 16) | probe.sequence) >>> 0;
  const bytes = buildEchoRequest({ source, destination, rest, data });
  const packet = { bytes, header: parseIpHeader(bytes) as IpHeader };
  return encapsulate(packet, {
    tunnel,
    source: real.sourceAddress,
    destination: real.address,
    id: 0,
    dontFragment: true,
    sourcePort: gueSourcePort(packet, state.image.hashKey),
  });
}

function ownAddress({ ownAddresses }: ForwarderState, real: RealEntry): IpAddress | undefined {
  const family = familyOf(real.service.vip);
  if (familyOf(real.sourceAddress) === family) return real.sourceAddress;
  return [...ownAddresses].find((address) => familyOf(address) === family);
}

/** Returns a keyed token: only somebody who has seen the probe can answer it. */
function tokenOf(
  { image }: ForwarderState,
  { identifier, sequence, real }: Omit<Probe, 'sizeBytes'>,
): Uint8Array {
  const token = new Uint8Array(TOKEN_BYTES);
  const word = (identifier << 16) | sequence;
  writeU32(token, 0, flowHash(word, real, image.hashKey));
  writeU32(token, 4, flowHash(~word, real, image.hashKey));
  return token;
}
