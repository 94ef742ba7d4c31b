// Socket addresses as the kernel has them.
import { type IpAddress, type IpFamily, ipBytes, ipFromBytes, isIpv4 } from '../../net/address/ip-address.ts';
import { kernelFamilyOf } from './address-family.ts';

export const SOCKADDR_IN_BYTES = 16;
export const SOCKADDR_IN6_BYTES = 28;
const PORT_AT = 2;
const IPV4_AT = 4;
const IPV6_AT = 8;

/** struct sockaddr_in or sockaddr_in6, without a scope: a link-local address needs more than that. */
export function socketAddress(address: IpAddress, port: number): Uint8Array {
  const bytes = Buffer.alloc(isIpv4(address) ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES);
  bytes.writeUInt16LE(kernelFamilyOf(address), 0);
  bytes.writeUInt16BE(port, PORT_AT);
  bytes.set(ipBytes(address), isIpv4(address) ? IPV4_AT : IPV6_AT);
  return bytes;
}

/** Reads the port, which is at the same offset in both families. */
export function portOf(socketAddressBytes: Buffer): number {
  return socketAddressBytes.readUInt16BE(PORT_AT);
}

export function ipv6BytesOf(socketAddressBytes: Uint8Array): Uint8Array {
  return socketAddressBytes.subarray(IPV6_AT, IPV6_AT + 16);
}

export function ipOf(socketAddressBytes: Uint8Array, family: IpFamily): IpAddress {
  const [at, length] = family === 4 ? [IPV4_AT, 4] : [IPV6_AT, 16];
  const address = ipFromBytes(socketAddressBytes.subarray(at, at + length));
  if (address === undefined) throw new TypeError('a socket address is too short');
  return address;
}
