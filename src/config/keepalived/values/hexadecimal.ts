// Parses the hexadecimal strings of keepalived.

/**
 * keepalived's HEX_STR as pairs of digits: blanks may stand anywhere, and a digit before one is a byte of its own
 * (read_hex_str() of lib/parser.c). Undefined: it is none.
 * @param wildcards Whether `x` may stand for any digit.
 */
export function readHexadecimal(text: string, wildcards: boolean): string | undefined {
  const bytes = text
    .trim()
    .toLowerCase()
    .match(/\S{1,2}/g);
  const digits = wildcards ? /^[0-9a-fx]+$/ : /^[0-9a-f]+$/;
  if (bytes === null || !bytes.every((byte) => digits.test(byte))) return undefined;
  return bytes.map((byte) => byte.padStart(2, '0')).join('');
}
