const RUN = /\(([0-9a-f]{2})\*(\d+)\)/g;
const REPEATED = /((?:[0-9a-f]{2}))\1{7,}/y;

/** Bytes as hexadecimal, where eight or more alike are written `(61*1400)`. */
export function toHex(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  let text = '';
  for (let at = 0; at < hex.length; ) {
    REPEATED.lastIndex = at;
    const [run, byte] = REPEATED.exec(hex) ?? [];
    text += run === undefined ? hex.slice(at, at + 2) : `(${byte}*${run.length / 2})`;
    at += run?.length ?? 2;
  }
  return text;
}

/** What `toHex` wrote. */
export function fromHex(text: string): Uint8Array {
  const hex = text.replace(RUN, (_, byte: string, count: string) => byte.repeat(Number(count)));
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}
