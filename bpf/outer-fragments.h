/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Outer fragments without reassembly: XDP cannot join packets, and a small frame cannot grow by the 1,460 bytes of
 * the one before it. So each outer fragment becomes a fragment of the *inner* packet, which the stack reassembles:
 * the first has the inner header already, later ones are given a copy of it. Fragments end on 8-byte bounds of their
 * own payload, and the inner header is in the outer payload, so up to 7 bytes move from each fragment to the next.
 * A last fragment that comes before the first is held, and put behind it: they differ by so little (20 bytes at an
 * even MTU) that the room the outer header leaves, or the headroom, is enough.
 * Included by realserver.bpf.c, whose counters it uses. */
#ifndef CULVERT_OUTER_FRAGMENTS_H
#define CULVERT_OUTER_FRAGMENTS_H

#include "decapsulate.h"

#define HELD 256
#define HELD_PROBES 4
#define HELD_PACKET_BYTES 2048 /* the longest packet that is joined */
#define HELD_EMPTY 0ull
#define HELD_BUSY 1ull
/* Not the 30 s of the stack: IDs recur (RFC 4963), and two fragments of one packet arrive together. */
#define HELD_NS 1000000000ull
#define CARRY_BYTES 8

enum held_kind {
	HELD_HEADER = 1,         /* the first fragment went on; `ip` is for the next one */
	HELD_LAST = 2,           /* the last fragment is in `bytes`, at its offset */
};

/* A writer takes an entry by compare-and-swap of `owner` to HELD_BUSY and gives it back by writing it. */
struct held {
	__u64 owner;             /* held_key(), HELD_EMPTY or HELD_BUSY */
	__u64 since_ns;
	__u32 kind;              /* enum held_kind */
	__u16 next_offset;       /* HELD_HEADER: of the outer fragment that must follow; HELD_LAST: of the one held */
	__u16 end;               /* HELD_HEADER: length of the inner packet; HELD_LAST: where the fragment ends */
	__u16 inner_offset;      /* HELD_HEADER: of the next inner fragment, in bytes */
	__u16 inner_more;        /* HELD_HEADER: the inner packet is a fragment itself, and not the last */
	__u32 carried;           /* HELD_HEADER: how many bytes at the end of `carry` begin the next inner fragment */
	struct iphdr ip;
	__u8 carry[CARRY_BYTES];
	__u8 reserved[4];
	__u8 bytes[2 * HELD_PACKET_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HELD);
	__type(key, __u32);
	__type(value, struct held);
} held_fragments SEC(".maps");

/* Neither EMPTY nor BUSY, because no source address is 0. */
static __always_inline __u64 held_key(const struct outer *outer)
{
	return (__u64)outer->source << 32 | (__u32)outer->id << 16 | (bpf_ntohl(outer->destination) & 0xffff);
}

static __always_inline struct held *held_at(__u64 key, __u32 probe)
{
	__u32 index = (__u32)((key * 0x9e3779b97f4a7c15ull) >> 32) + probe;

	index &= HELD - 1;
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
	if (victim_owner != HELD_EMPTY)
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

static __always_inline void finish_header(union ip_header *header, __u16 bytes, __u16 fragment)
{
	header->ip.tot_len = bpf_htons(bytes);
	header->ip.frag_off = bpf_htons(fragment);
	header->ip.check = 0;
	header->ip.check = ~header_sum(header);
}

/* The first fragment's bytes go in front of those of the last one, which came before it, and all into this frame. */
static __always_inline int join(struct xdp_md *ctx, const struct outer *outer, struct held *held, __u32 total)
{
	__u32 at = ETH_HLEN + outer->header_bytes, payload = outer->payload_bytes;
	int room = outer->header_bytes + payload - total, tos;
	struct iphdr *inner = (struct iphdr *)held->bytes;
	struct ethhdr eth;

	if (total > HELD_PACKET_BYTES || bpf_xdp_load_bytes(ctx, 0, &eth, sizeof(eth)) ||
	    bpf_xdp_load_bytes(ctx, at, held->bytes, known_length(payload, HELD_PACKET_BYTES)))
		return held_drop(held, HELD_EMPTY, COUNT_FRAGMENT_LOST);
	tos = decapsulated_tos(outer->tos, inner->tos);
	if ((held->ip.tos & ECN_MASK) == ECN_CE)
		tos = decapsulated_tos(ECN_CE, inner->tos);
	if (tos < 0)
		return held_drop(held, HELD_EMPTY, COUNT_CONGESTION);
	set_tos(inner, tos);
	if (bpf_xdp_adjust_head(ctx, room) && (room > 0 || bpf_xdp_adjust_tail(ctx, -room)))
		return held_drop(held, HELD_EMPTY, COUNT_FRAGMENT_LOST);
	if (bpf_xdp_store_bytes(ctx, 0, &eth, sizeof(eth)) ||
	    bpf_xdp_store_bytes(ctx, ETH_HLEN, held->bytes, known_length(total, HELD_PACKET_BYTES)))
		return held_drop(held, HELD_EMPTY, COUNT_FRAGMENT_LOST);
	held_give(held, HELD_EMPTY);
	return counted(COUNT_JOINED, XDP_PASS);
}

/* Passes the first outer fragment on as the first fragment of the inner packet, and keeps what the next one needs. */
static __always_inline int begin(struct xdp_md *ctx, const struct outer *outer, struct held *held,
				 union ip_header *inner)
{
	__u32 at = ETH_HLEN + outer->header_bytes, header_bytes = inner->ip.ihl * 4;
	__u32 fragment = bpf_ntohs(inner->ip.frag_off), offset = fragment & IP_OFFSET_MASK;
	__u32 data = outer->payload_bytes - header_bytes, carried = data & 7;
	int tos = decapsulated_tos(outer->tos, inner->ip.tos);

	if (tos < 0)
		return held_drop(held, HELD_EMPTY, COUNT_CONGESTION);
	if (bpf_xdp_load_bytes(ctx, at + outer->payload_bytes - CARRY_BYTES, held->carry, CARRY_BYTES))
		return held_drop(held, HELD_EMPTY, COUNT_MALFORMED);
	/* The ID of a packet with DF need not be unique (RFC 6864); the outer one is. */
	if ((fragment & IP_DF) && !(fragment & (IP_MF | IP_OFFSET_MASK)))
		inner->ip.id = bpf_htons(outer->id);
	held->kind = HELD_HEADER;
	held->next_offset = outer->payload_bytes;
	held->end = bpf_ntohs(inner->ip.tot_len);
	held->inner_offset = offset * 8 + data - carried;
	held->inner_more = fragment & IP_MF;
	held->carried = carried;
	held->ip = inner->ip;
	held_give(held, held_key(outer));

	inner->ip.tos = tos;
	finish_header(inner, outer->payload_bytes - carried, offset | IP_MF);
	if (bpf_xdp_store_bytes(ctx, at, inner, known_length(header_bytes, IP_HEADER_MAX)) ||
	    move_head(ctx, outer->header_bytes))
		return counted(COUNT_FRAGMENT_LOST, XDP_DROP);
	return counted(COUNT_FRAGMENT, XDP_PASS);
}

static __always_inline int first_fragment(struct xdp_md *ctx, const struct outer *outer)
{
	__u64 now = bpf_ktime_get_ns(), key = held_key(outer);
	__u32 payload = outer->payload_bytes, total;
	union ip_header inner;
	struct held *held;
	int header_bytes;

	if (payload < sizeof(inner.ip))
		return XDP_PASS;
	header_bytes = load_ip_header(ctx, ETH_HLEN + outer->header_bytes, &inner);
	if (!is_vip(inner.ip.daddr))
		return counted(COUNT_OTHER_DESTINATION, XDP_PASS);
	if (!is_director(outer->source))
		return counted(COUNT_REFUSED_SOURCE, XDP_DROP);
	total = bpf_ntohs(inner.ip.tot_len);
	if (header_bytes < 0 || header_sum(&inner) != 0xffff || payload % 8 ||
	    payload < (__u32)header_bytes + CARRY_BYTES || total <= payload)
		return counted(COUNT_MALFORMED, XDP_DROP);
	held = held_find(key, now);
	if (held && held->kind == HELD_LAST && held->next_offset == payload && held->end >= total)
		return join(ctx, outer, held, total);
	if (!held)
		held = held_claim(key, now);
	if (!held)
		return counted(COUNT_FRAGMENT_LOST, XDP_DROP);
	held->since_ns = now;
	return begin(ctx, outer, held, &inner);
}

/* Passes a later outer fragment on as the inner packet's next, with the bytes that the one before left over. */
static __always_inline int follow(struct xdp_md *ctx, const struct outer *outer, struct held *held)
{
	struct {
		union ip_header header;
		__u64 carry;
	} next = {};
	__u32 left = held->end - outer->offset, payload = outer->payload_bytes, carried = held->carried & 7;
	__u32 at = ETH_HLEN + outer->header_bytes, inner_offset = held->inner_offset;
	int tos = decapsulated_tos(outer->tos, held->ip.tos);
	__u16 more = outer->more ? IP_MF : held->inner_more;

	if (tos < 0)
		return held_drop(held, HELD_EMPTY, COUNT_CONGESTION);
	if (outer->more ? payload >= left || payload % 8 : payload < left)
		return held_drop(held, HELD_EMPTY, COUNT_MALFORMED);
	if (!outer->more)
		payload = left;
	next.header.ip = held->ip;
	next.header.ip.ihl = sizeof(struct iphdr) / 4;
	next.header.ip.tos = tos;
	next.carry = *(__u64 *)held->carry;
	if (outer->more) {
		if (bpf_xdp_load_bytes(ctx, at + payload - CARRY_BYTES, held->carry, CARRY_BYTES))
			return held_drop(held, HELD_EMPTY, COUNT_MALFORMED);
		held->next_offset += payload;
		/* `payload` is a multiple of 8, so as many bytes are left over as before. */
		held->inner_offset += payload;
	}
	held_give(held, outer->more ? held_key(outer) : HELD_EMPTY);

	finish_header(&next.header, sizeof(struct iphdr) + payload + (outer->more ? 0 : carried),
		      (inner_offset / 8) | more);
	if (move_head(ctx, (int)outer->header_bytes - (int)sizeof(struct iphdr) - (int)carried) ||
	    bpf_xdp_store_bytes(ctx, ETH_HLEN, &next.header.ip, sizeof(struct iphdr)))
		return counted(COUNT_FRAGMENT_LOST, XDP_DROP);
	if (carried) {
		next.carry >>= 8 * (CARRY_BYTES - carried);
		if (bpf_xdp_store_bytes(ctx, ETH_HLEN + sizeof(struct iphdr), &next.carry,
					known_length(carried, CARRY_BYTES - 1)))
			return counted(COUNT_FRAGMENT_LOST, XDP_DROP);
	}
	return counted(COUNT_FRAGMENT, XDP_PASS);
}

static __always_inline int hold_last(struct xdp_md *ctx, const struct outer *outer, __u64 key, __u64 now)
{
	__u32 offset = outer->offset, payload = outer->payload_bytes;
	struct held *held;

	if (outer->more || payload == 0 || offset + payload > HELD_PACKET_BYTES)
		return counted(COUNT_FRAGMENT_LOST, XDP_DROP);
	held = held_claim(key, now);
	if (!held)
		return counted(COUNT_FRAGMENT_LOST, XDP_DROP);
	if (bpf_xdp_load_bytes(ctx, ETH_HLEN + outer->header_bytes,
			       held->bytes + known_length(offset, HELD_PACKET_BYTES),
			       known_length(payload, HELD_PACKET_BYTES)))
		return held_drop(held, HELD_EMPTY, COUNT_FRAGMENT_LOST);
	held->kind = HELD_LAST;
	held->next_offset = offset;
	held->end = offset + payload;
	held->ip.tos = outer->tos;
	held_give(held, key);
	return XDP_DROP;
}

static __always_inline int later_fragment(struct xdp_md *ctx, const struct outer *outer)
{
	__u64 now = bpf_ktime_get_ns(), key = held_key(outer);
	struct held *held;

	/* Which address the inner packet is for cannot be told from here: the stack may have a use for it. */
	if (!is_director(outer->source))
		return XDP_PASS;
	held = held_find(key, now);
	if (!held)
		return hold_last(ctx, outer, key, now);
	if (held->kind == HELD_HEADER && held->next_offset == outer->offset)
		return follow(ctx, outer, held);
	return held_drop(held, key, COUNT_FRAGMENT_LOST);
}

#endif
