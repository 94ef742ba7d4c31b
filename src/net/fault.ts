/** What is malformed about bytes that do not parse; the text is for people. */
export const PARSE_FAULTS = {
  'ethernet-truncated': 'fewer than 14 bytes of Ethernet header',
  'arp-truncated': 'fewer than 28 bytes of ARP',
  'arp-kind': 'ARP for something other than IPv4 over Ethernet',
  'ip-truncated': 'fewer than 20 bytes of IPv4 header',
  'ip-version': 'the IP version is not 4',
  'ip-header-length': 'the IP header length is under 20 bytes or beyond the packet',
  'ip-total-length': 'the IP total length is under the header length or beyond the packet',
  'ipv6-truncated': 'fewer than 40 bytes of IPv6 header',
  'ipv6-version': 'the IP version is not 6',
  'ipv6-payload-length': 'the IPv6 payload length is beyond the packet',
  'ipv6-extension-truncated': 'an IPv6 extension header runs beyond the packet',
  'ipv6-extension-order': 'hop-by-hop options stand elsewhere than right behind the IPv6 header',
  'ipv6-extension-count': 'more than 8 IPv6 extension headers',
  'tcp-truncated': 'fewer than 20 bytes of TCP header',
  'tcp-header-length': 'the TCP header length is under 20 bytes or beyond the segment',
  'udp-truncated': 'fewer than 8 bytes of UDP header',
  'udp-length': 'the UDP length is under 8 or beyond the packet',
  'icmp-truncated': 'fewer than 8 bytes of ICMP header',
} as const;

/** A parser's answer to bytes that are not what it parses: a value, since malformed packets are expected. */
export type ParseFault = keyof typeof PARSE_FAULTS;

export function isFault(parsed: object | ParseFault): parsed is ParseFault {
  return typeof parsed === 'string';
}
