/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The forwarding image: the memory that the fast path, the slow path and the control plane share.
 * src/forwarding/image/tables/layout.ts mirrors every struct and constant here; test/unit/forwarding/layout.test.ts
 * holds the two together. Numbers are in the machine's byte order but for those of type __be16 and __be32. */
#ifndef CULVERT_LAYOUT_H
#define CULVERT_LAYOUT_H

#include <linux/types.h>

#define LAYOUT_VERSION 3

/* One line; map `settings`, one element. */
struct settings {
	__u32 hash_key[4];
	__u32 slow_path_ifindex; /* the TAP that rare packets are redirected to; 0: none, drop them */
	__u32 flow_set_mask;     /* sets in `flows` - 1; a power of two of sets */
	__u32 now;               /* CLOCK_BOOTTIME in ticks of 100 ms, kept by the control plane */
	__u32 layout_version;
	__u32 outer_id;          /* the next outer IPv4 ID where DF is clear; atomically incremented, 0 is skipped */
	__u32 budget[4];         /* by enum rarity: packets that the slow path is handed in one epoch; 0: any number */
	__u32 patience;          /* ticks that `now` may lag behind the clock before the control plane counts as gone; 0: any */
	__u32 reserved[2];
};

/* What is handed over has a budget for each kind, so that a flood of one leaves time for the others and for checks. */
enum rarity {
	RARE_OPENING = 0,        /* the first packet of a flow whose real the slow path chooses */
	RARE_NEIGHBOUR = 1,      /* ARP, neighbour discovery */
	RARE_OTHER = 2,
	RARE_ANSWER = 3,         /* for a check of the director's: not for a VIP, and to a device of its own */
};
#define RARITIES 4

/* Map `hand_over`, one element. An epoch begins when the control plane has taken all that it was handed in the one before,
 * and not before a tick is over: so that its queue never holds more than the budgets of one epoch, with half as much again
 * for those who come late. Of each kind a service or VIP has at most its level, which the control plane works out from what
 * all of them asked for in the last epoch. Shares are by service index, and behind them by bucket of VIPs. */
#define SHARES 32768
#define ALL_SHARES 0x20000       /* those of each rarity */
struct spending {
	__u32 epoch;
	__u32 packets;           /* asked for in this epoch, the refused ones as well */
};
struct hand_over {
	__u32 epoch;
	__u32 answers_ifindex;   /* the TAP that the answers to checks are redirected to; 0: none, drop them */
	__u32 level[4];          /* by enum rarity; 0: any number */
	__u32 reserved[10];
	struct spending total[RARITIES];
	struct spending shares[ALL_SHARES]; /* rarity * SHARES + share */
};

/* Map `check_words`: by protocol, family (IPv4, IPv6) and local port of the director's check sockets, or identifier of its echo
 * requests: check_word() of bpf/check-answers.h for the VIP, the port and the director's address that the check is between; 0:
 * none. */
enum check_protocol {
	CHECK_TCP = 0,
	CHECK_UDP = 1,
	CHECK_ECHO = 2,
};
#define CHECK_WORDS (6 << 16)

/* Map `no_clients`, one element: addresses that packets of clients never come from, which are the VIPs and the director's own,
 * by client word (see `flows`). An IPv6 client whose word is one of theirs by chance is the slow path's, which compares
 * addresses. The byte of the filter at the word modulo NO_CLIENT_FILTER is 0 where no word of the list is the same. The word
 * itself is in one of NO_CLIENT_PROBES places (wrapping round) from place_of_no_client() of bpf/no-client.h on; 0: free. */
#define NO_CLIENT_FILTER (1 << 12)
#define NO_CLIENT_PLACES (1 << 16)
#define NO_CLIENT_PROBES 16
struct no_clients {
	__u8 filter[NO_CLIENT_FILTER];
	__u32 words[NO_CLIENT_PLACES];
};

enum service_kind {
	SERVICE_EMPTY = 0,
	SERVICE_VIP = 1,         /* the address itself (port 0, protocol 0): everything to it that has no entry is rare */
	SERVICE_HASH = 2,        /* slot by hash; flows are remembered in tracked slots only */
	SERVICE_ROTATION = 3,    /* slot by turn; every flow is remembered */
	SERVICE_DELEGATED = 4,   /* the slow path chooses, and remembers every flow; the fast path sends what is remembered. While
	                          * the control plane is gone new flows get the real of their slot, by hash */
	SERVICE_TURNS = 5,       /* slot by turn for each packet, which is a flow of its own; nothing is remembered */
	SERVICE_RARE = 6,        /* every packet is the slow path's */
};

/* Who answers ARP and neighbour discovery for a VIP. */
enum vip_claim {
	CLAIM_ALWAYS = 0,        /* the slow path */
	CLAIM_HOST = 1,          /* the host's own stack, while the VIP is an address of it */
	CLAIM_NEVER = 2,         /* nobody */
};

/* In the protocol of an IPv6 service; clears of it are the numbers of TCP, UDP and SCTP, and 0. */
#define SERVICE_IPV6 0x40

/* Map `services`: open addressing, SERVICE_BUCKETS elements, linear probing over at most SERVICE_PROBES of them
 * (wrapping round); a look-up reads all of them unless it hits. The first is, over the words as they lie in memory,
 * h = (vip[0] ^ vip[1] ^ vip[2] ^ vip[3] ^ (port | protocol << 16)) * 0x9E3779B1;
 * h = (h ^ h >> 15) * 0x85EBCA6B; bucket = h >> (32 - SERVICE_BUCKET_BITS).
 * The VIP entry has port 0 and protocol 0 (of IPv6: SERVICE_IPV6). A service of several ports has an entry for each, with
 * the same index; a service of all ports one with port 0, which is looked up after the packet's port. */
#define SERVICE_BUCKET_BITS 16
#define SERVICE_BUCKETS (1 << SERVICE_BUCKET_BITS)
#define SERVICE_PROBES 8
struct service {
	__be32 vip[4];           /* IPv4: vip[0], the others 0 */
	__be16 port;
	__u8 protocol;           /* | SERVICE_IPV6 */
	__u8 kind;               /* written last when an entry is filled, first when it is emptied */
	__u16 index;             /* of its cursor and in flow keys; 1.. The VIP's own entry: enum vip_claim */
	__u16 port_mask;         /* 0xffff: the slot hash takes the client's port in; 0: the address alone */
	__u64 ring;              /* first slot | number of slots << 32; hash: the number is a power of two; one atomic word */
};

/* Map `slots`: SLOTS_PER_LINE to an element, because array elements are padded to 8 bytes.
 * A slot is current | fallback << 15 | tracked << 30; a real index of 0 means none. */
#define SLOTS_PER_LINE 16
#define SLOT_REAL_BITS 15
#define SLOT_REAL_MASK 0x7fff
#define SLOT_TRACKED (1u << 30)
struct slot_line {
	__u32 slot[SLOTS_PER_LINE];
};

enum real_state {
	REAL_SERVING = 1,        /* flows that name it may use it; unset: choose again */
	REAL_RESOLVED = 2,       /* the next hop is known, and the fast path can put this tunnel on; unset: the slow path sends */
	REAL_LOCAL = 4,          /* it is the director itself: packets go up the stack as they came; never with REAL_RESOLVED */
};

/* What stands between the outer and the inner IP header: nothing, 4 bytes of GRE (RFC 2784), 8 of UDP and 4 of GUE. The
 * fast path knows them without checksums of their own; a real with any is never REAL_RESOLVED. */
enum tunnel_type {
	TUNNEL_IPIP = 0,
	TUNNEL_GRE = 1,
	TUNNEL_GUE = 2,
};

enum real_flags {
	REAL_OUTER_IPV6 = 1,
	REAL_OVERLOADED = 2,     /* at its upper threshold and not yet below the lower one: gets no new flow */
	REAL_CHECKSUM = 4,       /* the tunnel's own checksum covers all that it carries (GRE's, or GUE's by UDP) */
	REAL_REMOTE_CHECKSUM = 8, /* GUE's remote checksum offload */
};

/* With the VLAN ID, in `vlan`: the way out has a tag; the number 0 alone means none. */
#define REAL_VLAN 0x1000

/* With the index, in `ifindex`: frames are redirected there also if they came in by it, as XDP_TX is not known to work. */
#define REAL_REDIRECT 0x80000000u

/* Map `reals`: REALS elements, index 0 unused. One entry for each (service, real server). */
#define REALS 32768
struct real {
	__u8 next_hop_mac[6];
	__u16 state;             /* enum real_state; one atomic 8-byte word with next_hop_mac */
	__u8 source_mac[6];
	__u16 mtu;               /* of the path, outer header included */
	__u32 ifindex;           /* the way out | REAL_REDIRECT */
	__u16 service_index;
	__u8 tunnel;             /* enum tunnel_type */
	__u8 overhead;           /* bytes that the tunnel puts in front of a packet, the outer IP header included */
	__be32 outer_source[4];  /* IPv4: the first word */
	__be32 outer_destination[4];
	__be16 tunnel_port;      /* GUE: UDP destination port */
	__u16 vlan;              /* 802.1Q ID | REAL_VLAN */
	__u16 weight;            /* as configured; for the control plane that takes over */
	__u16 flags;             /* enum real_flags */
} __attribute__((aligned(8))); /* or compilers would read its atomic word in halves */

/* Map `flows`: one 64-byte line to a set of four.
 * key: client word << 32 | client port << 16 | service index; 0: never used. The client word is the IPv4 address in
 * host order, or the IPv6 address folded by fold_ipv6() of flow-hash.h: should two clients of a set come to the same word
 * and port they share an entry and, harmlessly, a real. The whole address is in `flow_clients`, for listing.
 * value: last seen (tick) << 32 | H >> 24 << 24 | state << 16 | real index; 0: free.
 * H = flow_hash(client word, client port) + service index * 0x9E3779B1 + service port * 0x85EBCA6B (templates: port 0); the
 * set is H & flow_set_mask, or where that has no room its neighbour, (H ^ 1) & flow_set_mask. So flows to several ports of a
 * service, whose keys are equal, differ in pair of sets or tag, in small tables but for few ports.
 * A writer takes an entry by compare-and-swap of its value to FLOW_BUSY, writes the key, then the value; the 8 bits of
 * the hash let a reader tell a value that belongs to another key. The rules of replacement are those of
 * src/forwarding/image/flows/flow-table.ts, the states those of flow-state.ts, the choice of a real that of select-real.ts. */
#define FLOW_WAYS 4
#define FLOW_BUSY 1ull
struct flow {
	__u64 key;
	__u64 value;
};
struct flow_set {
	struct flow way[FLOW_WAYS];
};

/* Map `flow_clients`, beside each set of flows: the IPv6 addresses of its clients, as they lie in packets, for listing. An
 * address is its entry's if it folds to the client word of the key; when it is written, flow-table.ts says. */
struct flow_client {
	__be32 address[4];
};
struct flow_clients {
	struct flow_client way[FLOW_WAYS];
};

enum flow_state {
	FLOW_NONE = 0,
	FLOW_SYN_RECV = 1,
	FLOW_ESTABLISHED = 2,
	FLOW_FIN_WAIT = 3,
	FLOW_CLOSE = 4,
	FLOW_UDP = 5,
	FLOW_TIME_WAIT = 6,
	FLOW_TEMPLATE = 7,       /* persistence: the real of a client, or of a network of clients; its key has port 0 */
	FLOW_TEMPLATE_ASSURED = 8, /* the same, once a flow of it was established */
	FLOW_SCTP_INIT1 = 9,
	FLOW_SCTP_INIT = 10,
	FLOW_SCTP_COOKIE_ECHOED = 11,
	FLOW_SCTP_ESTABLISHED = 12,
	FLOW_SCTP_SHUTDOWN = 13,
	FLOW_SCTP_CLOSED = 14,
};

/* States that IPVS counts as active, a bit for each. All others but templates are inactive. */
#define FLOW_ACTIVE_STATES 0x1006
/* By state, four bits for each: how dear an entry is to its set, and how dear a one a newcomer may push out. The rules are
 * those of src/forwarding/image/flows/flow-table.ts. */
#define FLOW_COSTS 0x034222531203420ull
#define FLOW_LIMITS 0x2020203420ull
/* A flow in FLOW_FIN_WAIT of which nothing has come for so many ticks costs as much as one in FLOW_TIME_WAIT. */
#define FLOW_SPENT_TICKS 100

/* Map `cursors`: the turn of each SERVICE_ROTATION service, by service index; atomically incremented. */
#define SERVICES 16384

/* Map `flow_counts`, by real: active << 32 | inactive flows that are remembered; templates are in neither. Whoever changes
 * what an entry of `flows` counts as adds the difference, atomically: before an entry is filled, after any other change.
 * So a moment's sum may lack a flow but has none too many. */

/* Per-CPU map `counters` by real index; element 0 counts what the fast path handed over, and as connections what it
 * dropped because the budget was used up. */
struct counters {
	__u64 packets;           /* inner packets forwarded */
	__u64 bytes;             /* of inner IP packets */
	__u64 connections;       /* TCP SYNs sent to a real, UDP flows remembered */
};

#endif
