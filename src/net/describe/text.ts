// Data and faults in readable lines.
import { PARSE_FAULTS, type ParseFault } from '../fault.ts';

/** A description shows the digits of at most this many bytes. */
const SHOWN_BYTES = 32;

export function dataLines(bytes: Uint8Array): string[] {
  if (bytes.length === 0) return [];
  const more = bytes.length > SHOWN_BYTES ? ' ...' : '';
  return [`data, ${bytes.length} bytes: ${hexBytes(bytes.subarray(0, SHOWN_BYTES))}${more}`];
}

export function faultLines(layer: string, fault: ParseFault, bytes: Uint8Array): string[] {
  return [`${layer} MALFORMED: ${PARSE_FAULTS[fault]}`, ...indent(dataLines(bytes))];
}

export function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

export function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** The key of a number in a table such as `ICMP_TYPE`. */
export function nameOf(table: Readonly<Record<string, number>>, value: number): string | undefined {
  return Object.entries(table).find(([, number]) => number === value)?.[0];
}
