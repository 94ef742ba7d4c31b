// IPv4 addresses.
declare const brand: unique symbol;

/** An IPv4 address as an unsigned 32-bit number in host order: 192.0.2.10 is 0xc000020a. */
export type Ipv4Address = number & { readonly [brand]: 'Ipv4Address' };

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const DOTTED_QUAD = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`);

/** Parses dotted decimal with four parts and no leading zeros (RFC 6943, section 3.1.1); undefined if it is not that. */
export function parseIpv4(text: string): Ipv4Address | undefined {
  const octets = DOTTED_QUAD.exec(text)?.slice(1).map(Number);
  return octets === undefined
    ? undefined
    : (octets.reduce((sum, octet) => sum * 256 + octet, 0) as Ipv4Address);
}

/** An address known to be valid, for constants and tests. @throws TypeError when it is not. */
export function ipv4(text: string): Ipv4Address {
  const address = parseIpv4(text);
  if (address === undefined) throw new TypeError(`not an IPv4 address: ${text}`);
  return address;
}

export function formatIpv4(address: Ipv4Address): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}
