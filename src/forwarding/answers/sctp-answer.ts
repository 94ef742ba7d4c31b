// Builds the SCTP answer to a packet that belongs to no association: an abort or a completed shutdown.
import { readU16, readU32 } from '../../net/bytes.ts';
import { buildSctp, SCTP_CHUNK, type SctpHeader, sctpChunks } from '../../net/headers/sctp.ts';

/**
 * The T bit of a chunk: the verification tag is the one that the peer sent, as the sender knows no other (RFC 9260, section
 * 3.3.7).
 */
const TAG_REFLECTED = 1;
const NO_VALUE = new Uint8Array(0);
const UNANSWERED = new Set<number>([SCTP_CHUNK.abort, SCTP_CHUNK.shutdownComplete, SCTP_CHUNK.cookieAck]);

/**
 * Builds the answer to an SCTP packet that belongs to no association of the host (RFC 9260, section 8.4): an abort or a SHUTDOWN
 * COMPLETE. Returns undefined where RFC 9260 requires silence.
 * @param at offset of the common header
 */
export function buildSctpAnswer(packet: Uint8Array, at: number, sctp: SctpHeader): Uint8Array | undefined {
  const chunks = [...sctpChunks(packet, at)];
  const first = chunks[0];
  if (first === undefined || chunks.some(({ type }) => type === SCTP_CHUNK.abort)) return undefined;
  if (UNANSWERED.has(first.type) || isStaleCookie(first)) return undefined;
  const ports = { sourcePort: sctp.destinationPort, destinationPort: sctp.sourcePort };
  if (first.type === SCTP_CHUNK.init && first.value.length >= 4) {
    const verificationTag = readU32(first.value, 0);
    return buildSctp({ ...ports, verificationTag }, [{ type: SCTP_CHUNK.abort, flags: 0, value: NO_VALUE }]);
  }
  const type = first.type === SCTP_CHUNK.shutdownAck ? SCTP_CHUNK.shutdownComplete : SCTP_CHUNK.abort;
  const { verificationTag } = sctp;
  return buildSctp({ ...ports, verificationTag }, [{ type, flags: TAG_REFLECTED, value: NO_VALUE }]);
}

/** Returns true for an ERROR chunk whose cause is 3, stale cookie. */
function isStaleCookie({ type, value }: { readonly type: number; readonly value: Uint8Array }): boolean {
  return type === SCTP_CHUNK.error && value.length >= 2 && readU16(value, 0) === 3;
}
