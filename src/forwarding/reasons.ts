// The reasons why a packet was not simply forwarded, each with a counter.

/**
 * Why a packet was not simply forwarded: one counter each, in the order of their codes (index 0 is unused). `culvert explain` and
 * `culvert stats` show the text. Append only: the codes outlive a daemon in pinned memory.
 */
export const REASONS = {
  'malformed-ethernet': 'the frame is shorter than its header',
  'malformed-ip': 'the IP header is truncated or its lengths do not add up',
  'bad-ip-checksum': 'the IP header checksum is wrong',
  'source-route': 'the packet asks for source routing',
  'truncated-transport': 'fewer than 20 bytes of TCP, 8 of UDP or 16 of SCTP',
  'ttl-expired': 'the TTL or hop limit ran out at the director; time exceeded was sent',
  'too-big': 'the packet does not fit the tunnel; fragmentation needed or packet too big was sent',
  'too-big-quiet':
    'the packet does not fit the tunnel; the answer was withheld (rate limit, or an MTU too small to report)',
  'outer-fragments': 'the packet does not fit the tunnel and cannot be refused; forwarded in outer fragments',
  'blackhole-cured': 'ICMP does not reach the client; forwarded in outer fragments',
  'no-real': 'no real is available; port unreachable was sent',
  'no-service': 'no service has that port of the VIP; reset, abort or port unreachable was sent',
  'no-flow': 'the packet belongs to no flow and does not open one; reset or abort was sent',
  'answer-quiet': 'an answer was due, but the rate limit withheld it',
  'echo-answered': 'an echo request to a VIP; answered',
  'arp-answered': 'an ARP request for a VIP; answered',
  'icmp-relayed': "an ICMP error about a real's answer; sent to that real",
  'icmp-unknown': 'an ICMP message that does not concern a known flow',
  'path-mtu-lowered': 'the path to a real reported a smaller MTU',
  'fragment-forwarded': 'a fragment; sent to the real of the first fragment',
  'fragment-held': 'a fragment that arrived before the first one; held',
  'fragment-dropped':
    'a fragment that is invalid, whose first one was dropped or late, or for which there was no room',
  'unsupported-protocol': 'a protocol that no service can have',
  unresolved:
    "the next hop is not known yet, or XDP cannot send through its interface; the kernel's routing sent it",
  options: 'IP options or IPv6 extension headers; forwarded by the slow path',
  check: "a health check's packet; sent through the tunnel",
  'send-failed': 'the kernel refused to send it',
  'not-ours': 'not addressed to a VIP',
  'martian-source': 'from an address that no client can have (or an answer was due to one); dropped',
  'bad-transport-checksum': 'an answer was due but the TCP, UDP or ICMP checksum is wrong',
  merged: 'merged by receive offload; forwarded as the packets that the client sent',
  'path-error-relayed': 'an error from the path to a real; sent on to the client',
  'tunnel-checksum': 'the tunnel has a checksum of its own; forwarded by the slow path',
  'neighbour-answered': 'a neighbour solicitation for a VIP; answered',
  delegated: 'the slow path chooses the real: a new flow, or a packet of SCTP; forwarded',
  'real-gone': 'its real or service was removed, and its flows are kept until it returns; dropped',
  'xdp-lost':
    'the adapter could not send it, according to its XDP error counters; the fast path had counted it as forwarded',
  'local-delivery': "its real is the director itself; given to the director's own stack by the slow path",
  'no-way': 'there is no route to its real, or its next hop does not answer; host unreachable was sent',
} as const;

export type Reason = keyof typeof REASONS;

export const REASON_NAMES: readonly Reason[] = Object.keys(REASONS) as Reason[];
