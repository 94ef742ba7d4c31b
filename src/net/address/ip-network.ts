// IP networks.
import { familyOf, type IpAddress, networkOf, parseIp } from './ip-address.ts';

/** The set of all addresses that begin with the same bits. */
export interface IpNetwork {
  /** The first of them. */
  readonly address: IpAddress;
  /** IPv4 0..32, IPv6 0..128. */
  readonly prefixLength: number;
}

/** Reads `198.51.100.0/24` or `2001:db8::/32`; a single address is the network of itself. Undefined if it is neither. */
export function parseIpNetwork(text: string): IpNetwork | undefined {
  const [, host = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseIp(host);
  if (address === undefined) return undefined;
  const bits = familyOf(address) === 4 ? 32 : 128;
  const prefixLength = length === undefined ? bits : Number(length);
  return prefixLength > bits ? undefined : { address: networkOf(address, prefixLength), prefixLength };
}
