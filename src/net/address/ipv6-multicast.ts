// Multicast addresses of IPv6.
import { MAC_BYTES, type MacAddress } from '../headers/ethernet.ts';
import { IPV6_ADDRESS_BYTES, type Ipv6Address, writeIpv6Address } from './ipv6-address.ts';

const SOLICITED_NODE_PREFIX = 0xff02_0000_0000_0000_0000_0001_ffn << 24n;

export function isIpv6Multicast(address: Ipv6Address): boolean {
  return address >> 120n === 0xffn;
}

/** The group that a node with `address` listens to for solicitations: ff02::1:ff00:0/104 and its last 24 bits (RFC 4291, 2.7.1). */
export function solicitedNodeAddress(address: Ipv6Address): Ipv6Address {
  return (SOLICITED_NODE_PREFIX | BigInt.asUintN(24, address)) as Ipv6Address;
}

export function isSolicitedNode(address: Ipv6Address): boolean {
  return address >> 24n === SOLICITED_NODE_PREFIX >> 24n;
}

/** The MAC address that a group's packets are sent to: 33:33 and its last 32 bits (RFC 2464, section 7). */
export function multicastMac(group: Ipv6Address): MacAddress {
  const bytes = new Uint8Array(IPV6_ADDRESS_BYTES);
  writeIpv6Address(bytes, 0, group);
  const mac = bytes.subarray(IPV6_ADDRESS_BYTES - MAC_BYTES);
  mac.fill(0x33, 0, 2);
  return mac;
}
