/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The forwarding image: the memory that the fast path, the slow path and the control plane share.
 * src/forwarding/image/layout.ts mirrors every struct and constant here; test/unit/forwarding/layout.test.ts
 * holds the two together. Numbers are in the machine's byte order but for those of type __be16 and __be32. */
#ifndef CULVERT_LAYOUT_H
#define CULVERT_LAYOUT_H

#include <linux/types.h>

#define LAYOUT_VERSION 1

/* One line; map `settings`, one element. */
struct settings {
	__u32 hash_key[4];
	__u32 slow_path_ifindex; /* the TAP that rare packets are redirected to; 0: none, drop them */
	__u32 flow_set_mask;     /* sets in `flows` - 1; a power of two of sets */
	__u32 now;               /* CLOCK_BOOTTIME in ticks of 100 ms, kept by the control plane */
	__u32 layout_version;
	__u32 outer_id;          /* the next outer IPv4 ID where DF is clear; atomically incremented, 0 is skipped */
	__u32 reserved[7];
};

enum service_kind {
	SERVICE_EMPTY = 0,
	SERVICE_VIP = 1,         /* the address itself (port 0, protocol 0): everything to it that has no entry is rare */
	SERVICE_HASH = 2,        /* slot by hash; flows are remembered in tracked slots only */
	SERVICE_ROTATION = 3,    /* slot by turn; every flow is remembered */
};

/* Map `services`: open addressing, SERVICE_BUCKETS elements, linear probing over at most SERVICE_PROBES of them
 * (wrapping round); a look-up reads all of them unless it hits. The first is, over the words as they lie in memory,
 * h = (vip[0] ^ vip[1] ^ vip[2] ^ vip[3] ^ (port | protocol << 16)) * 0x9E3779B1;
 * h = (h ^ h >> 15) * 0x85EBCA6B; bucket = h >> (32 - SERVICE_BUCKET_BITS).
 * The VIP entry has port 0 and protocol 0. */
#define SERVICE_BUCKET_BITS 16
#define SERVICE_BUCKETS (1 << SERVICE_BUCKET_BITS)
#define SERVICE_PROBES 8
struct service {
	__be32 vip[4];           /* IPv4: vip[0], the others 0 */
	__be16 port;
	__u8 protocol;
	__u8 kind;               /* written last when an entry is filled, first when it is emptied */
	__u16 index;             /* of its cursor and in flow keys; 1.. */
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
};

enum tunnel_type {
	TUNNEL_IPIP = 0,
};

/* Map `reals`: REALS elements, index 0 unused. One entry for each (service, real server). */
#define REALS 32768
struct real {
	__u8 next_hop_mac[6];
	__u16 state;             /* enum real_state; one atomic 8-byte word with next_hop_mac */
	__u8 source_mac[6];
	__u16 mtu;               /* of the path, outer header included */
	__u32 ifindex;           /* the way out */
	__u16 service_index;
	__u8 tunnel;             /* enum tunnel_type */
	__u8 reserved0;
	__be32 outer_source[4];  /* IPv4: the first word */
	__be32 outer_destination[4];
	__u32 weight;            /* as configured; for the control plane that takes over */
	__u32 reserved1;
} __attribute__((aligned(8))); /* or compilers would read its atomic word in halves */

/* Map `flows`: one 64-byte line to a set of four.
 * key: client address (host order) << 32 | client port << 16 | service index; 0: never used.
 * value: last seen (tick) << 32 | H >> 24 << 24 | state << 16 | real index; 0: free.
 * H = flow_hash(client, client port) + service index * 0x9E3779B1; the set is H & flow_set_mask.
 * A writer takes an entry by compare-and-swap of its value to FLOW_BUSY, writes the key, then the value; the 8 bits of
 * the hash let a reader tell a value that belongs to another key. The rules of replacement are those of
 * src/forwarding/image/flow-table.ts, the states those of flow-state.ts, the choice of a real that of select-real.ts. */
#define FLOW_WAYS 4
#define FLOW_BUSY 1ull
struct flow {
	__u64 key;
	__u64 value;
};
struct flow_set {
	struct flow way[FLOW_WAYS];
};

enum flow_state {
	FLOW_NONE = 0,
	FLOW_SYN_RECV = 1,
	FLOW_ESTABLISHED = 2,
	FLOW_FIN_WAIT = 3,
	FLOW_CLOSE = 4,
	FLOW_UDP = 5,
};

/* Map `cursors`: the turn of each SERVICE_ROTATION service, by service index; atomically incremented. */
#define SERVICES 16384

/* Per-CPU map `counters` by real index; element 0 counts what the fast path handed over. */
struct counters {
	__u64 packets;           /* inner packets forwarded */
	__u64 bytes;             /* of inner IP packets */
	__u64 connections;       /* TCP SYNs sent to a real, UDP flows remembered */
};

#endif
