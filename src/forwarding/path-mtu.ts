import { readU16 } from '../net/bytes.ts';
import { internetChecksum } from '../net/checksum.ts';
import { isFault } from '../net/fault.ts';
import { ICMP_CODE, ICMP_HEADER_BYTES, ICMP_TYPE, type IcmpHeader, parseIcmp } from '../net/icmp.ts';
import type { IpAddress } from '../net/ip-address.ts';
import {
  IPV4_AT,
  IPV4_HEADER_BYTES,
  type Ipv4Header,
  ipv4ChecksumIsGood,
  PROTOCOL,
  parseIpv4Header,
  parseQuotedIpv4Header,
} from '../net/ipv4.ts';
import { buildIcmpError, isAnswerable } from './answers.ts';
import type { Decision } from './decision.ts';
import type { RealEntry } from './image/forwarding-image.ts';
import { LEAST_PATH_MTU_BYTES } from './path-mtus.ts';
import { findFlow, type QuotedPacket, readQuoted } from './quoted-flow.ts';
import { checkKey, type ForwarderState } from './state.ts';

/** What an ICMP error from the path to a real brought about. */
export interface PathReport {
  /**
   * - `lowered`: the real's path MTU is `mtuBytes` from now on.
   * - `relayed`: nothing was learned, but the client is told.
   * - `needs-probe`: too little is quoted to believe it; a probe of `mtuBytes` through the tunnel would tell.
   * - `ignored`: not about a packet of ours, or nothing new.
   */
  readonly outcome: 'lowered' | 'relayed' | 'needs-probe' | 'ignored';
  readonly real?: IpAddress;
  readonly mtuBytes?: number;
  /** The client's own copy of the error, from the VIP. */
  readonly answer?: Decision & { verdict: 'answer' };
}

interface TunnelError {
  readonly icmp: IcmpHeader;
  readonly outer: Ipv4Header;
  /** Where the inner header begins in the message. */
  readonly innerAt: number;
}

const IGNORED: PathReport = { outcome: 'ignored' };
/** RFC 1191, section 7.1: what to try below a size when a router does not say. */
const PLATEAUS_BYTES = [65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, LEAST_PATH_MTU_BYTES] as const;

/**
 * Learns from an ICMP error to the director's own address about one of its outer packets. Nothing forged lowers a path
 * MTU: the quoted outer addresses must be a path of ours, and the inner packet one of a flow that has this very real.
 */
export function learnPathMtu(packet: Uint8Array, state: ForwarderState, nowMs: number): PathReport {
  const error = readTunnelError(packet);
  if (error === undefined) return IGNORED;
  const entry = entryOf(state, error.outer);
  if (entry === undefined) return IGNORED;
  const quoted = readQuoted(packet, error.innerAt);
  if (quoted === undefined) return shortQuote(packet, error, entry);
  const real = realOf(state, quoted);
  if (real === undefined || real.address !== error.outer.destination) return IGNORED;
  if (!isFragmentationNeeded(error.icmp)) return relayed(packet, { error, quoted, state, nowMs });
  const mtuBytes = reportedMtu(error);
  if (mtuBytes >= real.mtuBytes) return IGNORED;
  state.pathMtus.lower(state.image, real.address, { currentBytes: real.mtuBytes, mtuBytes, nowMs });
  state.image.countReason('path-mtu-lowered');
  const report = { outcome: 'lowered', real: real.address, mtuBytes } as const;
  if (!canBeTold(quoted.header)) return report;
  return {
    ...report,
    answer: answerTo(packet, { error, quoted, state, nowMs }, mtuBytes - real.overheadBytes),
  };
}

interface Report {
  readonly error: TunnelError;
  readonly quoted: QuotedPacket;
  readonly state: ForwarderState;
  readonly nowMs: number;
}

function readTunnelError(packet: Uint8Array): TunnelError | undefined {
  const header = parseIpv4Header(packet);
  if (isFault(header) || header.protocol !== PROTOCOL.icmp) return undefined;
  if (header.moreFragments || header.fragmentOffsetBytes > 0) return undefined;
  if (!ipv4ChecksumIsGood(packet, 0, header.headerBytes)) return undefined;
  if (internetChecksum(packet, header.headerBytes, header.totalLength) !== 0) return undefined;
  const icmp = parseIcmp(packet, header.headerBytes, header.totalLength);
  if (isFault(icmp) || !isPassedOn(icmp.type)) return undefined;
  const outerAt = header.headerBytes + ICMP_HEADER_BYTES;
  const outer = parseQuotedIpv4Header(packet.subarray(0, header.totalLength), outerAt);
  if (isFault(outer) || outer.protocol !== PROTOCOL.ipip || outer.fragmentOffsetBytes > 0) return undefined;
  return { icmp, outer, innerAt: outerAt + outer.headerBytes };
}

/** As IPVS: redirect and parameter problem are not. */
function isPassedOn(type: number): boolean {
  return (
    type === ICMP_TYPE.destinationUnreachable ||
    type === ICMP_TYPE.sourceQuench ||
    type === ICMP_TYPE.timeExceeded
  );
}

function isFragmentationNeeded({ type, code }: IcmpHeader): boolean {
  return type === ICMP_TYPE.destinationUnreachable && code === ICMP_CODE.fragmentationNeeded;
}

function entryOf({ image }: ForwarderState, outer: Ipv4Header): RealEntry | undefined {
  for (const real of image.reals()) {
    if (real.address === outer.destination && real.sourceAddress === outer.source) return real;
  }
  return undefined;
}

/** The inner packet went from a client to a service, so that its source is the client. */
function realOf(
  { image, checks, ownAddresses }: ForwarderState,
  quoted: QuotedPacket,
): RealEntry | undefined {
  const underTest = checks.get(checkKey(quoted.header.protocol, quoted.sourcePort));
  const tested = underTest === undefined ? undefined : image.real(underTest);
  const { source } = quoted.header;
  if (tested !== undefined && (source === tested.sourceAddress || ownAddresses.has(source))) return tested;
  return findFlow(image, {
    protocol: quoted.protocol,
    vip: quoted.header.destination,
    servicePort: quoted.destinationPort,
    client: quoted.header.source,
    clientPort: quoted.sourcePort,
  })?.real;
}

function shortQuote(packet: Uint8Array, error: TunnelError, entry: RealEntry): PathReport {
  const isShort = packet.length < error.innerAt + IPV4_HEADER_BYTES + 4;
  const mtuBytes = reportedMtu(error);
  if (!isShort || !isFragmentationNeeded(error.icmp) || mtuBytes >= entry.mtuBytes) return IGNORED;
  return { outcome: 'needs-probe', real: entry.address, mtuBytes };
}

function reportedMtu({ icmp, outer }: TunnelError): number {
  const said = icmp.nextHopMtu;
  const mtuBytes =
    said > 0 ? said : (PLATEAUS_BYTES.find((plateau) => plateau < outer.totalLength) ?? LEAST_PATH_MTU_BYTES);
  return Math.max(mtuBytes, LEAST_PATH_MTU_BYTES);
}

/** Like all errors to clients, but for fragmentation needed, these are limited. */
function relayed(packet: Uint8Array, report: Report): PathReport {
  const { state, quoted, nowMs } = report;
  if (!canBeTold(quoted.header)) return IGNORED;
  if (!state.limits.errors.take(quoted.header.source, nowMs)) {
    state.image.countReason('answer-quiet');
    return IGNORED;
  }
  state.image.countReason('path-error-relayed');
  return { outcome: 'relayed', answer: answerTo(packet, report, 0) };
}

/** Only a client that set DF minds. */
function canBeTold(header: Ipv4Header): boolean {
  return header.dontFragment && isAnswerable(header.source);
}

/** The same error about the inner packet, from the VIP that it was sent to. */
function answerTo(
  packet: Uint8Array,
  { error, quoted, state }: Report,
  rest: number,
): Decision & { verdict: 'answer' } {
  const { header } = quoted;
  const { type, code } = error.icmp;
  const end = Math.min(readU16(packet, IPV4_AT.totalLength), error.innerAt + header.totalLength);
  const answer = buildIcmpError(header, {
    type,
    code,
    rest,
    about: packet.subarray(error.innerAt, end),
    id: state.image.nextOuterId(),
  });
  const reason = isFragmentationNeeded(error.icmp) ? 'path-mtu-lowered' : 'path-error-relayed';
  return { verdict: 'answer', packet: answer, to: header.source, reason };
}
