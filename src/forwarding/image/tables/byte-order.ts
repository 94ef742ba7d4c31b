// Byte swaps of 16-bit and 32-bit numbers.

/** Returns a 16-bit number with its bytes exchanged: host to network order and back. */
export function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

/** Returns a 32-bit number, unsigned, with its bytes in reverse order: host to network order and back. */
export function swap32(value: number): number {
  return ((swap16(value) << 16) | swap16(value >>> 16)) >>> 0;
}
