/** A 16-bit number with its bytes exchanged: host to network order and back. */
export function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

/** A 32-bit number with its bytes in reverse order, unsigned: host to network order and back. */
export function swap32(value: number): number {
  return ((swap16(value) << 16) | swap16(value >>> 16)) >>> 0;
}
