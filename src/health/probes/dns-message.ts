// DNS queries and their answers (RFC 1035).
import { readU16, writeU16 } from '../../net/bytes.ts';

export interface DnsQuestion {
  readonly id: number;
  /** A number of DNS_QUERY_TYPES. */
  readonly type: number;
  /** The name, with or without the dot at its end; `.` is the root. */
  readonly name: string;
}

const HEADER_BYTES = 12;
const RECURSION_DESIRED = 0x0100;
const RESPONSE = 0x8000;
const CLASS_IN = 1;

/** A query with one question (RFC 1035, section 4.1). */
export function buildDnsQuery({ id, type, name }: DnsQuestion): Uint8Array {
  const labels = name === '.' ? [] : name.replace(/\.$/, '').split('.');
  const encoded = labels.flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')]);
  const message = new Uint8Array(HEADER_BYTES + encoded.length + 5);
  writeU16(message, 0, id);
  writeU16(message, 2, RECURSION_DESIRED);
  writeU16(message, 4, 1);
  message.set(encoded, HEADER_BYTES);
  const end = HEADER_BYTES + encoded.length + 1;
  writeU16(message, end, type);
  writeU16(message, end + 2, CLASS_IN);
  return message;
}

export function isDnsResponse(message: Uint8Array, id: number): boolean {
  return (
    message.length >= HEADER_BYTES && readU16(message, 0) === id && (readU16(message, 2) & RESPONSE) !== 0
  );
}

/** 0: no error. */
export function dnsResponseCode(message: Uint8Array): number {
  return readU16(message, 2) & 15;
}
