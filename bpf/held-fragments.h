/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What is remembered of outer packets of which a fragment has come: a small table, each entry used by one CPU at a
 * time. Included by realserver.bpf.c, whose counters it uses. */
#ifndef CULVERT_HELD_FRAGMENTS_H
#define CULVERT_HELD_FRAGMENTS_H

#include "decapsulate.h"

#define HELD 256
#define HELD_PROBES 4
#define HELD_PACKET_BYTES 2048 /* the longest outer payload that is joined */
#define HELD_EMPTY 0ull
#define HELD_BUSY 1ull
/* Not the 30 s of the stack: IDs recur (RFC 4963), and two fragments of one packet arrive together. */
#define HELD_NS 1000000000ull
#define CARRY_BYTES 8
#define HASH_FACTOR 0x9e3779b97f4a7c15ull

enum held_kind {
	HELD_HEADER = 1,         /* the first fragment went on; `header` is for the next one */
	HELD_LAST = 2,           /* the last fragment is in `bytes`, at its offset */
	HELD_FOREIGN = 3,        /* the first fragment was the stack's, as the next ones are */
};

/* The header of an inner fragment: of IPv4 with its options, or of IPv6 with a fragment header behind it. */
union fragment_header {
	struct iphdr ip;
	struct {
		struct ipv6hdr ip6;
		struct fragment_extension extension;
	};
	__u32 word[IP_HEADER_MAX / 4];
};

/* A writer takes an entry by compare-and-swap of `owner` to HELD_BUSY and gives it back by writing it. */
struct held {
	__u64 owner;             /* held_key(), HELD_EMPTY or HELD_BUSY */
	__u64 since_ns;
	__u32 kind;              /* enum held_kind */
	__u16 next_offset;       /* HELD_HEADER: of the outer fragment that must follow; HELD_LAST: of the one held */
	__u16 end;               /* HELD_HEADER: of the outer payload; HELD_LAST: where the fragment ends */
	__u16 inner_offset;      /* HELD_HEADER: of the next inner fragment, in bytes */
	__u8 inner_more;         /* HELD_HEADER: the inner packet is a fragment itself, and not the last */
	__u8 tos;                /* HELD_LAST: of the outer header */
	__u32 carried;           /* HELD_HEADER: how many bytes at the end of `carry` begin the next inner fragment */
	__be16 ethertype;        /* HELD_HEADER: of the inner packet */
	__u8 reserved[6];
	__u8 carry[CARRY_BYTES];
	union fragment_header header;
	__u8 bytes[2 * HELD_PACKET_BYTES + 4];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HELD);
	__type(key, __u32);
	__type(value, struct held);
} held_fragments SEC(".maps");

/* Neither EMPTY nor BUSY. Two outer packets at a time may not share one: only directors' fragments are held. */
static __always_inline __u64 held_key(const struct outer *outer)
{
	__u64 key = (__u64)outer->protocol << 32 | outer->id;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		key = (key ^ outer->source.word[i]) * HASH_FACTOR;
		key = (key ^ key >> 32 ^ outer->destination.word[i]) * HASH_FACTOR;
	}
	return key | 2;
}

static __always_inline struct held *held_at(__u64 key, __u32 probe)
{
	__u32 index = ((__u32)(key >> 32) + probe) & (HELD - 1);

	return bpf_map_lookup_elem(&held_fragments, &index);
}

static __always_inline int held_take(struct held *held, __u64 owner)
{
	return __sync_val_compare_and_swap(&held->owner, owner, HELD_BUSY) == owner;
}

static __always_inline void held_give(struct held *held, __u64 owner)
{
	__sync_lock_test_and_set(&held->owner, owner);
}

/* The entry of this outer packet, taken; NULL when there is none that is fresh. */
static __noinline struct held *held_find(__u64 key, __u64 now)
{
	for (__u32 probe = 0; probe < HELD_PROBES; probe++) {
		struct held *held = held_at(key, probe);

		if (!held || held->owner != key || !held_take(held, key))
			continue;
		if (now - held->since_ns <= HELD_NS)
			return held;
		held_give(held, HELD_EMPTY);
	}
	return NULL;
}

/* An entry for a new outer packet, taken: an empty one, else the oldest. */
static __noinline struct held *held_claim(__u64 key, __u64 now)
{
	struct held *victim = NULL;
	__u64 victim_owner = HELD_EMPTY, oldest = ~0ull;

	for (__u32 probe = 0; probe < HELD_PROBES; probe++) {
		struct held *held = held_at(key, probe);
		__u64 owner = held ? held->owner : HELD_BUSY;

		if (!held || owner == HELD_BUSY)
			continue;
		if (owner == HELD_EMPTY || held->since_ns < oldest) {
			victim = held;
			victim_owner = owner;
			oldest = owner == HELD_EMPTY ? 0 : held->since_ns;
		}
	}
	if (!victim || !held_take(victim, victim_owner))
		return NULL;
	if (victim_owner != HELD_EMPTY && victim->kind != HELD_FOREIGN)
		counted(COUNT_FRAGMENT_LOST, 0);
	victim->since_ns = now;
	return victim;
}

/* Gives the entry back and drops the fragment. */
static __always_inline int held_drop(struct held *held, __u64 owner, enum count reason)
{
	held_give(held, owner);
	return counted(reason, XDP_DROP);
}

#endif
