// Shows how two packets differ, in words.
import { describePacket } from './describe-packet.ts';

/** A function that describes a byte string as text: `describePacket`, `describeFrame`. */
export type Describe = (bytes: Uint8Array) => string;

/**
 * Two packets decoded side by side, lines that differ marked, and where their bytes first differ.
 * Undefined when they are equal.
 */
export function describeDifference(
  expected: Uint8Array,
  actual: Uint8Array,
  describe: Describe = describePacket,
): string | undefined {
  const at = firstDifference(expected, actual);
  if (at === undefined) return undefined;
  const left = ['expected', ...describe(expected).split('\n')];
  const right = ['actual', ...describe(actual).split('\n')];
  const width = Math.max(...left.map((line) => line.length));
  const rows = Array.from({ length: Math.max(left.length, right.length) }, (_, row) => {
    const [l, r] = [left[row] ?? '', right[row] ?? ''];
    return `${l.padEnd(width)} ${l === r || row === 0 ? ' ' : '!'} ${r}`.trimEnd();
  });
  return [
    ...rows,
    `lengths ${expected.length} and ${actual.length}; first difference at byte ${at}: ${byteText(expected, at)} and ${byteText(actual, at)}`,
  ].join('\n');
}

function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    if (a[at] !== b[at]) return at;
  }
  return a.length === b.length ? undefined : shorter;
}

function byteText(bytes: Uint8Array, at: number): string {
  const byte = bytes[at];
  return byte === undefined ? 'the end' : `0x${byte.toString(16).padStart(2, '0')}`;
}
