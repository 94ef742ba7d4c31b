// Builds SCTP's ABORT.
import { readU16, readU32 } from '../../net/bytes.ts';
import { buildSctp, SCTP_CHUNK, type SctpHeader, sctpChunks } from '../../net/headers/sctp.ts';

/** Set in a chunk: the verification tag is the one that the peer sent, as the sender knows no other (RFC 9260, section 3.3.7). */
const TAG_REFLECTED = 1;
const NO_VALUE = new Uint8Array(0);
const UNANSWERED = new Set<number>([SCTP_CHUNK.abort, SCTP_CHUNK.shutdownComplete, SCTP_CHUNK.cookieAck]);

/**
 * What a host says to an SCTP packet that belongs to no association of its (RFC 9260, section 8.4): an abort, or that a
 * shutdown is complete. Undefined where it says nothing.
 * @param at where the common header stands
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

/** An error whose cause is 3. */
function isStaleCookie({ type, value }: { readonly type: number; readonly value: Uint8Array }): boolean {
  return type === SCTP_CHUNK.error && value.length >= 2 && readU16(value, 0) === 3;
}
