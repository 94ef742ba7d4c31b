// The CRC32c checksum of SCTP.

/** Castagnoli's polynomial, bits reversed (RFC 9260, appendix A). */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  return remainder;
});

/** The CRC32c of a range, or of several one after the other when the last one's result is given as `previous`. */
export function crc32c(bytes: Uint8Array, from = 0, to: number = bytes.length, previous = 0): number {
  let crc = ~previous;
  for (let at = from; at < to; at++) {
    crc = (TABLE[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
