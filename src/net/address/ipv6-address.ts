// IPv6 addresses (RFC 4291), in the form of RFC 5952.
import { isIPv6 } from 'node:net';

declare const brand: unique symbol;

/** An IPv6 address as an unsigned 128-bit number in host order. A bigint, so that equal addresses are equal keys of a Map. */
export type Ipv6Address = bigint & { readonly [brand]: 'Ipv6Address' };

export const IPV6_ADDRESS_BYTES = 16;
const GROUPS = 8;

/** Parses the text forms of RFC 4291, section 2.2; undefined if it is none, or has a zone. */
export function parseIpv6(text: string): Ipv6Address | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = withoutDottedQuad(text).split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const zeroes = Array.from({ length: GROUPS - before.length - after.length }, () => '0');
  const digits = [...before, ...zeroes, ...after].map((group) => group.padStart(4, '0')).join('');
  return BigInt(`0x${digits}`) as Ipv6Address;
}

/** The canonical text of RFC 5952, without its section 5: no part is ever written as IPv4. */
export function formatIpv6(address: Ipv6Address): string {
  const digits = address.toString(16).padStart(2 * IPV6_ADDRESS_BYTES, '0');
  const groups = (digits.match(/.{4}/g) ?? []).map((group) => Number.parseInt(group, 16).toString(16));
  const { from, count } = longestRunOfZeroes(groups);
  if (count < 2) return groups.join(':');
  return `${groups.slice(0, from).join(':')}::${groups.slice(from + count).join(':')}`;
}

/** fe80::/10: of use on its own link only (RFC 4291, section 2.5.6). */
export function isIpv6LinkLocal(address: Ipv6Address): boolean {
  return address >> 118n === 0x3fan;
}

/** Reads 16 bytes in network order. */
export function readIpv6Address(bytes: Uint8Array, at: number): Ipv6Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, IPV6_ADDRESS_BYTES);
  return ((view.getBigUint64(0) << 64n) | view.getBigUint64(8)) as Ipv6Address;
}

/** Writes 16 bytes in network order. */
export function writeIpv6Address(bytes: Uint8Array, at: number, address: Ipv6Address): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, IPV6_ADDRESS_BYTES);
  view.setBigUint64(0, address >> 64n);
  view.setBigUint64(8, BigInt.asUintN(64, address));
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':');
}

/** 64:ff9b::192.0.2.1 as 64:ff9b::c000:201. */
function withoutDottedQuad(text: string): string {
  const at = text.lastIndexOf(':') + 1;
  const octets = text.slice(at).split('.').map(Number);
  if (octets.length !== 4) return text;
  const [a = 0, b = 0, c = 0, d = 0] = octets;
  return `${text.slice(0, at)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** The first of the longest. */
function longestRunOfZeroes(groups: readonly string[]): { readonly from: number; readonly count: number } {
  let longest = { from: 0, count: 0 };
  for (let from = 0; from < groups.length; from++) {
    let count = 0;
    while (groups[from + count] === '0') count++;
    if (count > longest.count) longest = { from, count };
  }
  return longest;
}
