// Decides the packets of health checks, and recognises answers to them.
import { readU16 } from '../../net/bytes.ts';
import { isFault } from '../../net/fault.ts';
import { ICMP_HEADER_BYTES } from '../../net/headers/icmp.ts';
import { admit } from '../admit.ts';
import { ECHO_REQUEST, isIcmp } from '../answers/icmp-messages.ts';
import type { Decision } from '../decision.ts';
import { type Context, countReason } from '../decision-context.ts';
import type { RealEntry } from '../image/forwarding-image.ts';
import { checkKey, type ForwarderState } from '../state.ts';
import { sendAnyway } from '../to-real.ts';
import { type IpPacket, isFragment, parseIpHeader } from './ip-header.ts';
import { readQuoted } from './quoted-flow.ts';

const ECHO_IDENTIFIER_AT = 4;
const LEAST_BYTES = 8;

/**
 * Decides a packet that a socket of a health check sent: it goes to the real under test, whatever the service would choose, and
 * leaves no flow. Packets of clients never come here, so none can pass for a check's.
 *
 * @returns undefined for any other packet from the checks' network namespace, such as one of a check that has ended
 */
export function decideCheck(packet: Uint8Array, state: ForwarderState, nowMs: number): Decision | undefined {
  const context: Context = { state, nowMs, trace: undefined, readOnly: false };
  const admitted = admit(context, packet);
  if ('verdict' in admitted) return undefined;
  const real = realUnderTest(state, admitted);
  if (real === undefined) return undefined;
  countReason(context, 'check');
  return sendAnyway(context, admitted, real, 'check');
}

/** Returns true if an ICMP error quotes the packet of a check that is under way. */
export function isAboutCheck(packet: Uint8Array, { checks, ownAddresses }: ForwarderState): boolean {
  const header = parseIpHeader(packet);
  if (isFault(header) || !isIcmp(header) || !ownAddresses.has(header.destination)) return false;
  const quoted = readQuoted(packet, header.headerBytes + ICMP_HEADER_BYTES);
  if (quoted === undefined || quoted.header.source !== header.destination) return false;
  const { protocol, family } = quoted.header;
  return checks.has(checkKey(protocol, quoted.sourcePort, family));
}

/**
 * Returns true if a packet answers a check that is under way: it comes from the VIP, or is an error about what the check sent.
 */
export function isCheckAnswer(packet: Uint8Array, state: ForwarderState): boolean {
  const header = parseIpHeader(packet);
  if (isFault(header) || !state.ownAddresses.has(header.destination)) return false;
  if (isAboutCheck(packet, state)) return true;
  if (!state.image.isVip(header.source)) return false;
  const at = header.headerBytes;
  // Later fragments have no port; one copy too many does no harm.
  if (header.fragmentOffsetBytes > 0) return true;
  if (packet.length - at < LEAST_BYTES) return false;
  const port = readU16(packet, at + (isIcmp(header) ? ECHO_IDENTIFIER_AT : 2));
  return state.checks.has(checkKey(header.protocol, port, header.family));
}

function realUnderTest(state: ForwarderState, packet: IpPacket): RealEntry | undefined {
  const { header } = packet;
  const port = localPort(packet);
  const index =
    port === undefined ? undefined : state.checks.get(checkKey(header.protocol, port, header.family));
  return index === undefined ? undefined : state.image.real(index);
}

/** Returns the local port, or the identifier of an echo request. */
function localPort({ bytes, header }: IpPacket): number | undefined {
  const at = header.headerBytes;
  if (isFragment(header) || bytes.length - at < LEAST_BYTES) return undefined;
  if (!isIcmp(header)) return readU16(bytes, at);
  return bytes[at] === ECHO_REQUEST[header.family] ? readU16(bytes, at + ECHO_IDENTIFIER_AT) : undefined;
}
