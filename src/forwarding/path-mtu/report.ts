// Learns path MTUs from the ICMP errors of routers on the way to a real, and relays such errors to clients.
import type { IpAddress } from '../../net/address/ip-address.ts';
import { buildIcmpError, ICMP_ERRORS, type IcmpError, isAnswerable } from '../answers/answers.ts';
import type { Decision } from '../decision.ts';
import type { RealEntry } from '../image/forwarding-image.ts';
import { findFlow, type QuotedPacket, readQuoted } from '../packets/quoted-flow.ts';
import type { Reason } from '../reasons.ts';
import { checkKey, type ForwarderState } from '../state.ts';
import { translatedError } from '../tunnel/translated-error.ts';
import { readErrorMessage, readTunnelError, type TunnelError } from '../tunnel/tunnel-error.ts';
import { LEAST_PATH_MTU_BYTES } from './learned.ts';
import { toldMtuBytes } from './oversize.ts';

/** The result of an ICMP error from the path to a real. */
export interface PathReport {
  /**
   * The outcome of the error.
   * - `lowered`: the real's path MTU is `mtuBytes` from now on.
   * - `relayed`: nothing was learned, but the client gets the error.
   * - `needs-probe`: the quote is too short to be believed, or names a flow that is not remembered and may be made up. Probes
   *   through the tunnel decide (probes.ts). A quoted client gets the error at once, as it knows what it sent.
   * - `ignored`: not about a packet of the director, or nothing new.
   */
  readonly outcome: 'lowered' | 'relayed' | 'needs-probe' | 'ignored';
  readonly real?: IpAddress;
  readonly mtuBytes?: number;
  /** The copy of the error for the client, from the VIP. */
  readonly answer?: Decision & { verdict: 'answer' };
}

interface Report {
  readonly error: TunnelError;
  readonly quoted: QuotedPacket;
  readonly real: RealEntry;
  /** True if the quoted flow or check exists. */
  readonly remembered: boolean;
  readonly state: ForwarderState;
}

const IGNORED: PathReport = { outcome: 'ignored' };
/** The sizes to try below the current one when a router does not report an MTU (RFC 1191, section 7.1). */
const PLATEAUS_BYTES = [65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, LEAST_PATH_MTU_BYTES[4]] as const;
const LEAST_IPV4_MTU_BYTES = 68;

/**
 * Learns from an ICMP or ICMPv6 error to the director's own address about one of its outer packets, of any tunnel. Nothing forged
 * lowers a path MTU: the quoted outer header must be that of a tunnel in use, and the inner packet one of a flow that is
 * remembered with this very real; otherwise probes decide.
 */
export function learnPathMtu(packet: Uint8Array, state: ForwarderState, nowMs: number): PathReport {
  return learn(readTunnelError(packet), state, nowMs);
}

/** Learns from an error that a raw ICMPv6 socket gives: the message alone, with a checksum that the kernel verified. */
export function learnPathMtuOfMessage(message: Uint8Array, state: ForwarderState, nowMs: number): PathReport {
  return learn(readErrorMessage(message, 6), state, nowMs);
}

function learn(error: TunnelError | undefined, state: ForwarderState, nowMs: number): PathReport {
  const entry = error && entryOf(state, error);
  if (error === undefined || entry === undefined) return IGNORED;
  const quoted = readQuoted(error.quote, error.innerAt);
  if (quoted === undefined) return shortQuote(error, { entry, state, nowMs });
  const target = targetOf(state, quoted);
  if (target === undefined || !isPathOf(target.real, error)) return IGNORED;
  const report = { error, quoted, state, ...target };
  return error.trouble === 'too-big' ? lower(report, nowMs) : relay(report, nowMs);
}

function lower(report: Report, nowMs: number): PathReport {
  const { error, real, state } = report;
  const mtuBytes = reportedMtu(error);
  if (mtuBytes >= real.mtuBytes) return tell(report, real.mtuBytes, nowMs);
  if (!report.remembered) {
    state.pathProbes.begin(real, mtuBytes, nowMs);
    return { ...tell(report, mtuBytes, nowMs), outcome: 'needs-probe', real: real.address, mtuBytes };
  }
  state.pathMtus.lower(state.image, real.address, { currentBytes: real.mtuBytes, mtuBytes, nowMs });
  state.image.countReason('path-mtu-lowered');
  const answer = tooBigAnswer(report, mtuBytes);
  return { outcome: 'lowered', real: real.address, mtuBytes, ...(answer && { answer }) };
}

/** Reports to the client the MTU in force, since it may have sent before it was told; otherwise the reported one. */
function tell(report: Report, mtuBytes: number, nowMs: number): PathReport {
  const { state, quoted } = report;
  const { tooBig } = state.limits;
  const { source } = quoted.header;
  if (!tooBig.allows(source, nowMs)) return IGNORED;
  const answer = tooBigAnswer(report, mtuBytes);
  if (answer === undefined) return IGNORED;
  tooBig.take(source, nowMs);
  state.image.countReason('path-error-relayed');
  return { outcome: 'relayed', answer };
}

function tooBigAnswer(report: Report, mtuBytes: number): (Decision & { verdict: 'answer' }) | undefined {
  const { header } = report.quoted;
  const told = toldMtuBytes(header.family, mtuBytes - report.real.overheadBytes);
  if (!canBeTold(report) || told < LEAST_IPV4_MTU_BYTES) return undefined;
  const said = { ...ICMP_ERRORS['too-big'][header.family], rest: told };
  return answerTo(report, said, mtuBytes < report.real.mtuBytes ? 'path-mtu-lowered' : 'path-error-relayed');
}

/** Relays an error to the client. Like all errors to clients, except those about size, these are rate limited. */
function relay(report: Report, nowMs: number): PathReport {
  const { error, quoted, state } = report;
  const said = translatedError(error, quoted.header.family);
  if (said === undefined || !canBeTold(report)) return IGNORED;
  if (!state.limits.errors.take(quoted.header.source, nowMs)) {
    state.image.countReason('answer-quiet');
    return IGNORED;
  }
  state.image.countReason('path-error-relayed');
  return { outcome: 'relayed', answer: answerTo(report, said, 'path-error-relayed') };
}

function entryOf({ image }: ForwarderState, error: TunnelError): RealEntry | undefined {
  for (const real of image.reals()) if (isPathOf(real, error)) return real;
  return undefined;
}

function isPathOf(real: RealEntry, { outer, tunnelType, tunnelPort }: TunnelError): boolean {
  const { tunnel } = real;
  return (
    real.address === outer.destination &&
    real.sourceAddress === outer.source &&
    tunnel.type === tunnelType &&
    (tunnel.type !== 'gue' || tunnel.port === tunnelPort)
  );
}

/** Returns the target of the inner packet, which went from a client to a service: its source is the client. */
function targetOf(
  { image, checks, ownAddresses }: ForwarderState,
  quoted: QuotedPacket,
): Pick<Report, 'real' | 'remembered'> | undefined {
  const { source, destination, protocol, family } = quoted.header;
  const underTest = checks.get(checkKey(protocol, quoted.sourcePort, family));
  const tested = underTest === undefined ? undefined : image.real(underTest);
  const isOwn = source === tested?.sourceAddress || ownAddresses.has(source);
  if (isOwn && destination === tested?.service.vip) return { real: tested, remembered: true };
  return findFlow(image, {
    protocol: quoted.protocol,
    vip: destination,
    servicePort: quoted.destinationPort,
    client: source,
    clientPort: quoted.sourcePort,
  });
}

interface Unproved {
  readonly entry: RealEntry;
  readonly state: ForwarderState;
  readonly nowMs: number;
}

function shortQuote(error: TunnelError, { entry, state, nowMs }: Unproved): PathReport {
  const { quote, innerAt, trouble } = error;
  const portsAt = innerAt + ((quote[innerAt] ?? 0) >> 4 === 6 ? 40 : 20);
  const mtuBytes = reportedMtu(error);
  if (quote.length >= portsAt + 4 || trouble !== 'too-big' || mtuBytes >= entry.mtuBytes) return IGNORED;
  state.pathProbes.begin(entry, mtuBytes, nowMs);
  return { outcome: 'needs-probe', real: entry.address, mtuBytes };
}

function reportedMtu({ mtuBytes: said, outer }: TunnelError): number {
  const least = LEAST_PATH_MTU_BYTES[outer.family];
  if (said > 0) return Math.max(said, least);
  return PLATEAUS_BYTES.find((plateau) => plateau < outer.totalLength) ?? least;
}

/** Returns true if the client needs to know: it set DF, as all of IPv6 do. */
function canBeTold({ quoted, state }: Report): boolean {
  const { dontFragment, source } = quoted.header;
  return dontFragment && isAnswerable(source) && !state.image.isVip(source);
}

/** Builds the same error about the inner packet, from the VIP that it was sent to. */
function answerTo(
  { error, quoted, state }: Report,
  said: Pick<IcmpError, 'type' | 'code' | 'rest'>,
  reason: Reason,
): Decision & { verdict: 'answer' } {
  const { header } = quoted;
  const about = error.quote.subarray(error.innerAt, error.innerAt + header.totalLength);
  const id = header.family === 4 ? state.image.nextOuterId() : 0;
  const packet = buildIcmpError(header, { ...said, about, id });
  return { verdict: 'answer', packet, to: header.source, reason };
}
