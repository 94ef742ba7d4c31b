// Netmasks in text.
import { formatIp, ip, networkOf, parseIp } from '../../net/address/ip-address.ts';

const ALL_BITS = ip('255.255.255.255');

/** The prefix length of an IPv4 mask; undefined where its ones do not come first. */
export function prefixOfMask(mask: string): number | undefined {
  const address = parseIp(mask);
  return Array.from({ length: 33 }, (_, length) => length).find(
    (length) => networkOf(ALL_BITS, length) === address,
  );
}

/** `255.255.255.0` for IPv4, `64` for IPv6; undefined for a single client, of which nothing is said. */
export function netmaskText(prefix: number, address: string): string | undefined {
  if (address.includes(':')) return prefix === 128 ? undefined : `${prefix}`;
  return prefix === 32 ? undefined : formatIp(networkOf(ALL_BITS, prefix));
}
