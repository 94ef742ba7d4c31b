// IP addresses of either family.
import { readU32, writeU32 } from '../bytes.ts';
import { formatIpv4, type Ipv4Address, parseIpv4 } from './ipv4-address.ts';
import {
  formatIpv6,
  IPV6_ADDRESS_BYTES,
  type Ipv6Address,
  parseIpv6,
  readIpv6Address,
  writeIpv6Address,
} from './ipv6-address.ts';

/** An address of either family. Equal addresses are equal keys of a Map; 192.0.2.1 and ::ffff:192.0.2.1 are not equal. */
export type IpAddress = Ipv4Address | Ipv6Address;
export type IpFamily = 4 | 6;

const IPV4_ADDRESS_BYTES = 4;

export function isIpv4(address: IpAddress): address is Ipv4Address {
  return typeof address === 'number';
}

export function isIpv6(address: IpAddress): address is Ipv6Address {
  return typeof address === 'bigint';
}

/** Narrows an address to IPv4, where the caller has refused IPv6. @throws TypeError for an IPv6 address */
export function onlyIpv4(address: IpAddress): Ipv4Address {
  if (isIpv4(address)) return address;
  throw new TypeError(`an IPv4 address is wanted, found ${formatIp(address)}`);
}

export function familyOf(address: IpAddress): IpFamily {
  return isIpv4(address) ? 4 : 6;
}

/** Parses an address; undefined if it is of neither family. */
export function parseIp(text: string): IpAddress | undefined {
  return parseIpv4(text) ?? parseIpv6(text);
}

/** An address known to be valid, for constants and tests. @throws TypeError when it is not. */
export function ip(text: string): IpAddress {
  const address = parseIp(text);
  if (address === undefined) throw new TypeError(`not an IP address: ${text}`);
  return address;
}

export function formatIp(address: IpAddress): string {
  return isIpv4(address) ? formatIpv4(address) : formatIpv6(address);
}

/** `192.0.2.1:80` or `[2001:db8::1]:80` (RFC 5952, section 6). */
export function formatEndpoint(address: IpAddress, port: number | 'all'): string {
  return isIpv4(address) ? `${formatIpv4(address)}:${port}` : `[${formatIpv6(address)}]:${port}`;
}

/** 4 or 16 bytes in network order. */
export function ipBytes(address: IpAddress): Uint8Array {
  const bytes = new Uint8Array(isIpv4(address) ? IPV4_ADDRESS_BYTES : IPV6_ADDRESS_BYTES);
  if (isIpv4(address)) writeU32(bytes, 0, address);
  else writeIpv6Address(bytes, 0, address);
  return bytes;
}

/** Converts the bytes of `ipBytes` back; undefined for another number of bytes. */
export function ipFromBytes(bytes: Uint8Array): IpAddress | undefined {
  if (bytes.length === IPV4_ADDRESS_BYTES) return readU32(bytes, 0) as Ipv4Address;
  return bytes.length === IPV6_ADDRESS_BYTES ? readIpv6Address(bytes, 0) : undefined;
}

/** The network's first address. */
export function networkOf(address: IpAddress, prefixLength: number): IpAddress {
  if (isIpv6(address)) {
    const hostBits = BigInt(8 * IPV6_ADDRESS_BYTES - prefixLength);
    return ((address >> hostBits) << hostBits) as Ipv6Address;
  }
  return (prefixLength === 0 ? 0 : (address & (-1 << (32 - prefixLength))) >>> 0) as Ipv4Address;
}
