/**
 * Why a packet was not simply forwarded: one counter each, in the order of their codes (index 0 is unused).
 * The text is what `culvert explain` and `culvert stats` say. Append only: the codes outlive a daemon in pinned memory.
 */
export const REASONS = {
  'malformed-ethernet': 'the frame is shorter than its header',
  'malformed-ip': 'the IP header is truncated or its lengths do not add up',
  'bad-ip-checksum': 'the IP header checksum is wrong',
  'source-route': 'the packet asks for source routing',
  'truncated-transport': 'fewer than 20 bytes of TCP, 8 of UDP or 16 of SCTP',
  'ttl-expired': 'the TTL or hop limit ran out at the director; time exceeded was sent',
  'too-big': 'the tunnel cannot carry it whole; fragmentation needed, or packet too big, was sent',
  'too-big-quiet': 'the tunnel cannot carry it whole; the answer was withheld by the rate limit',
  'outer-fragments':
    'the tunnel cannot carry it whole, and it cannot be refused; forwarded in outer fragments',
  'blackhole-cured': 'ICMP does not reach the client; forwarded in outer fragments',
  'no-real': 'no real serves; port unreachable was sent',
  'no-service': 'nothing is served on that port of the VIP; reset, abort or port unreachable was sent',
  'no-flow': 'belongs to no flow and opens none; reset or abort was sent',
  'answer-quiet': 'an answer was due but withheld by the rate limit',
  'echo-answered': 'echo request to the VIP; answered',
  'arp-answered': 'ARP request for a VIP; answered',
  'icmp-relayed': "an ICMP error about a real's answer; sent to that real",
  'icmp-unknown': 'an ICMP message that concerns no flow',
  'path-mtu-lowered': 'the path to a real reported a smaller MTU',
  'fragment-forwarded': 'a fragment; sent to the real of its first one',
  'fragment-held': 'a fragment that came before its first one; held',
  'fragment-dropped': 'a fragment whose first one did not come in time, or for which there was no room',
  'unsupported-protocol': 'a protocol to the VIP that no service can have',
  unresolved:
    "the next hop is not known yet, or XDP cannot send by its interface; the kernel's routing sent it",
  options: 'IP options or IPv6 extension headers; forwarded by the slow path',
  check: "a health check's packet; sent through the tunnel",
  'send-failed': 'the kernel refused to send it',
  'not-ours': 'not addressed to a VIP',
  'martian-source': 'from an address that no client can have (or an answer was due to one); dropped',
  'bad-transport-checksum': 'an answer was due but the TCP, UDP or ICMP checksum is wrong',
  merged: 'merged by receive offload; forwarded in the packets that the client sent',
  'path-error-relayed': 'an error from the path to a real; sent on to the client',
  'tunnel-checksum': 'the tunnel has a checksum of its own; forwarded by the slow path',
  'neighbour-answered': 'neighbour solicitation for a VIP; answered',
  delegated: 'the choice of its real is left to the slow path: a new flow, or all of SCTP; forwarded',
  'real-gone': 'its real or service is gone and its flows are held until that is back; dropped',
  'xdp-lost':
    'the adapter could not send it, by its XDP error counters; the fast path had counted it as forwarded',
  'local-delivery': "its real is the director itself; given to the director's own stack by the slow path",
  'no-way': 'there is no route to its real, or its next hop does not answer; host unreachable was sent',
} as const;

export type Reason = keyof typeof REASONS;

export const REASON_NAMES: readonly Reason[] = Object.keys(REASONS) as Reason[];
