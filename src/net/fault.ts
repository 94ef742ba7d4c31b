// The faults of packets that do not parse.

/** The texts of parse faults, for people. */
export const PARSE_FAULTS = {
  'ethernet-truncated': 'fewer than 14 bytes of Ethernet header',
  'vlan-truncated': 'fewer than 4 bytes of 802.1Q tag',
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
  'ipv6-extension-order': 'hop-by-hop options are not right behind the IPv6 header',
  'ipv6-extension-count': 'more than 8 IPv6 extension headers',
  'tcp-truncated': 'fewer than 20 bytes of TCP header',
  'tcp-header-length': 'the TCP header length is under 20 bytes or beyond the segment',
  'udp-truncated': 'fewer than 8 bytes of UDP header',
  'udp-length': 'the UDP length is under 8 or beyond the packet',
  'icmp-truncated': 'fewer than 8 bytes of ICMP header',
  'sctp-truncated': 'fewer than 12 bytes of SCTP header',
  'gre-truncated': 'the GRE header runs beyond the packet',
  'gre-version': 'the GRE version is not 0',
  'gre-flags': 'GRE with routing or other flags that a receiver must discard',
  'gue-truncated': 'the GUE header runs beyond the datagram',
  'gue-version': 'the GUE version is not 0',
  'gue-flags': 'GUE with unknown flags',
  'gue-options': 'the GUE header is too short for the fields that its flags announce',
  'icmpv6-truncated': 'fewer than 8 bytes of ICMPv6 header',
  'nd-kind': 'not a whole neighbour solicitation or advertisement',
  'nd-hop-limit': 'neighbour discovery with a hop limit under 255: it came through a router',
  'nd-checksum': 'neighbour discovery with a wrong checksum',
  'nd-code': 'neighbour discovery with a code other than 0',
  'nd-truncated': 'fewer than 24 bytes of neighbour discovery',
  'nd-target': 'neighbour discovery about a multicast address',
  'nd-addresses': 'neighbour discovery from or to an address that this type of message must not have',
  'nd-option':
    'a neighbour discovery option that has length 0, runs beyond the message, or must not be there',
} as const;

/** A parser's answer to bytes that are not what it parses: a value, since malformed packets are expected. */
export type ParseFault = keyof typeof PARSE_FAULTS;

export function isFault(parsed: object | ParseFault): parsed is ParseFault {
  return typeof parsed === 'string';
}
