/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Outer fragments without reassembly: XDP cannot join packets, and a small frame cannot grow by the 1,460 bytes of
 * the one before it. So each outer fragment becomes a fragment of the *inner* packet, which the stack reassembles:
 * the first has the inner header already, later ones are given a copy of it. Fragments end on 8-byte bounds of their
 * own payload, and tunnel and inner header are in the outer payload, so up to 7 bytes move from each fragment to the
 * next. A last fragment that comes before the first is held, and put behind it: they differ by so little (20 bytes at
 * an even MTU) that the room the outer header leaves, or the headroom, is enough.
 * The checksum of a tunnel header cannot be verified that way, as the first fragment is gone when the last one comes;
 * the inner checksums, verified by the stack, cover the same bytes.
 * Included by realserver.bpf.c, whose counters it uses. */
#ifndef CULVERT_OUTER_FRAGMENTS_H
#define CULVERT_OUTER_FRAGMENTS_H

#include "held-fragments.h"

#define FRAGMENT_HEADER_BYTES(v6) ((v6) ? sizeof(struct ipv6hdr) + sizeof(struct fragment_extension) : sizeof(struct iphdr))

/* An inner header that becomes one of fragments. */
struct cut {
	union fragment_header header;
	__u32 found_bytes;       /* of it, in the frame */
	__u32 bytes;             /* of it, in the first fragment */
	__u16 offset;            /* in bytes, and whether more follow: the inner packet may be a fragment itself */
	__u8 more;
};

static __always_inline int cut_ipv4(struct xdp_md *ctx, const struct packet *packet, struct cut *cut)
{
	__u32 bytes = packet->inner.header_bytes, fragment;
	struct iphdr *ip = &cut->header.ip;

	if (bpf_xdp_load_bytes(ctx, packet->inner.at, &cut->header, known_length(bytes, IP_HEADER_MAX)) ||
	    header_sum(cut->header.word) != 0xffff)
		return -1;
	fragment = bpf_ntohs(ip->frag_off);
	/* The ID of a packet with DF need not be unique (RFC 6864); the outer one is. */
	if ((fragment & IP_DF) && !(fragment & (IP_MF | IP_OFFSET_MASK)))
		ip->id = bpf_htons(packet->outer.id);
	cut->found_bytes = cut->bytes = bytes;
	cut->offset = (fragment & IP_OFFSET_MASK) * 8;
	cut->more = !!(fragment & IP_MF);
	return 0;
}

/* Not with the extension headers that each fragment must have. */
static __always_inline int cut_ipv6(struct xdp_md *ctx, const struct packet *packet, struct cut *cut)
{
	struct fragment_extension *extension = &cut->header.extension;
	__u8 next = packet->inner.ip6.nexthdr;

	if (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS)
		return -1;
	cut->header.ip6 = packet->inner.ip6;
	cut->header.ip6.nexthdr = IPPROTO_FRAGMENT;
	cut->bytes = sizeof(struct ipv6hdr) + sizeof(*extension);
	cut->found_bytes = cut->bytes;
	if (next != IPPROTO_FRAGMENT) {
		cut->found_bytes = sizeof(struct ipv6hdr);
		extension->nexthdr = next;
		extension->identification = bpf_htonl(packet->outer.id);
	} else if (bpf_xdp_load_bytes(ctx, packet->inner.at + sizeof(struct ipv6hdr), extension, sizeof(*extension))) {
		return -1;
	}
	cut->offset = bpf_ntohs(extension->frag_off) & ~7;
	cut->more = bpf_ntohs(extension->frag_off) & IP6_MF;
	return 0;
}

static __always_inline void finish_header(union fragment_header *header, int v6, __u8 tos)
{
	if (v6) {
		set_ipv6_tos(&header->ip6, tos);
		return;
	}
	header->ip.tos = tos;
	header->ip.check = 0;
	header->ip.check = ~header_sum(header->word);
}

/* Offset and `bytes` of payload, and whether more follow. */
static __always_inline void set_fragment(union fragment_header *header, int v6, __u32 offset, int more, __u32 bytes)
{
	if (v6) {
		header->ip6.payload_len = bpf_htons(sizeof(header->extension) + bytes);
		header->extension.frag_off = bpf_htons(offset | (more ? IP6_MF : 0));
	} else {
		header->ip.tot_len = bpf_htons(header->ip.ihl * 4 + bytes);
		header->ip.frag_off = bpf_htons(offset / 8 | (more ? IP_MF : 0));
	}
}

static __always_inline __u8 header_tos(const union fragment_header *header, int v6)
{
	return v6 ? ipv6_tos(&header->ip6) : header->ip.tos;
}

/* The first fragment's bytes go in front of those of the last one, which came before it, and all into this frame.
 * `total`: of the outer payload. */
static __always_inline int join(struct xdp_md *ctx, struct packet *packet, struct held *held, __u32 total)
{
	__u32 at = ETH_HLEN + packet->outer.header_bytes, payload = packet->outer.payload_bytes;
	__u32 tunnel = packet->tunnel.header_bytes & 0xff, length = total - tunnel;
	int room = packet->outer.header_bytes + payload - length, tos;
	struct inner *inner = &packet->inner;
	struct ethhdr eth;

	if (total > HELD_PACKET_BYTES || bpf_xdp_load_bytes(ctx, 0, &eth, sizeof(eth)) ||
	    bpf_xdp_load_bytes(ctx, at, held->bytes, known_length(payload, HELD_PACKET_BYTES)))
		return held_drop(held, HELD_EMPTY, COUNT_FRAGMENT_LOST);
	tos = decapsulated_tos(packet->outer.tos, inner_tos(inner));
	if ((held->tos & ECN_MASK) == ECN_CE)
		tos = decapsulated_tos(ECN_CE, inner_tos(inner));
	if (tos < 0)
		return held_drop(held, HELD_EMPTY, COUNT_CONGESTION);
	set_inner_tos(inner, tos);
	eth.h_proto = inner->ethertype;
	if (bpf_xdp_adjust_head(ctx, room) && (room > 0 || bpf_xdp_adjust_tail(ctx, -room)))
		return held_drop(held, HELD_EMPTY, COUNT_FRAGMENT_LOST);
	if (bpf_xdp_store_bytes(ctx, 0, &eth, sizeof(eth)) ||
	    bpf_xdp_store_bytes(ctx, ETH_HLEN, held->bytes + tunnel, known_length(length, HELD_PACKET_BYTES)) ||
	    bpf_xdp_store_bytes(ctx, ETH_HLEN, &inner->ip, sizeof(inner->ip)))
		return held_drop(held, HELD_EMPTY, COUNT_FRAGMENT_LOST);
	held_give(held, HELD_EMPTY);
	return counted(COUNT_JOINED, XDP_PASS);
}

/* Passes the first outer fragment on as the first fragment of the inner packet, and keeps what the next one needs. */
static __always_inline int begin(struct xdp_md *ctx, const struct packet *packet, struct held *held, struct cut *cut)
{
	int v6 = is_ipv6(&packet->inner), tos = decapsulated_tos(packet->outer.tos, inner_tos(&packet->inner));
	__u32 data = packet->inner.room - cut->found_bytes, carried = data & 7;
	__u32 data_at = packet->inner.at + cut->found_bytes;

	if (tos < 0)
		return held_drop(held, HELD_EMPTY, COUNT_CONGESTION);
	if (bpf_xdp_load_bytes(ctx, data_at + data - CARRY_BYTES, held->carry, CARRY_BYTES))
		return held_drop(held, HELD_EMPTY, COUNT_MALFORMED);
	held->kind = HELD_HEADER;
	held->next_offset = packet->outer.payload_bytes;
	held->end = packet->tunnel.header_bytes + packet->inner.length;
	held->inner_offset = cut->offset + data - carried;
	held->inner_more = cut->more;
	held->carried = carried;
	held->ethertype = packet->inner.ethertype;
	held->header = cut->header;
	if (!v6) {
		/* Options are in the first fragment alone. */
		held->header.ip.ihl = sizeof(struct iphdr) / 4;
		__builtin_memset(held->header.word + 5, 0, sizeof(held->header) - sizeof(struct iphdr));
	}
	held_give(held, held_key(&packet->outer));

	set_fragment(&cut->header, v6, cut->offset, 1, data - carried);
	finish_header(&cut->header, v6, tos);
	if (bpf_xdp_store_bytes(ctx, data_at - cut->bytes, &cut->header, known_length(cut->bytes, IP_HEADER_MAX)) ||
	    move_head(ctx, data_at - cut->bytes - ETH_HLEN, packet->inner.ethertype))
		return counted(COUNT_FRAGMENT_LOST, XDP_DROP);
	return counted(COUNT_FRAGMENT, XDP_PASS);
}

static __always_inline int first_fragment(struct xdp_md *ctx, struct packet *packet)
{
	__u64 now = bpf_ktime_get_ns(), key = held_key(&packet->outer);
	__u32 payload = packet->outer.payload_bytes, total = packet->tunnel.header_bytes + packet->inner.length;
	struct cut cut = {};
	struct held *held;

	if (source_of(&packet->outer) == SOURCE_STRANGER)
		return counted(COUNT_REFUSED_SOURCE, XDP_DROP);
	/* A remote checksum is that of the whole packet. */
	if (has_remote_checksum(&packet->tunnel))
		return counted(COUNT_FRAGMENT_LOST, XDP_DROP);
	if (!inner_is_sound(&packet->inner) || payload % 8 || total <= payload)
		return counted(COUNT_MALFORMED, XDP_DROP);
	if (is_ipv6(&packet->inner) ? cut_ipv6(ctx, packet, &cut) : cut_ipv4(ctx, packet, &cut))
		return counted(COUNT_MALFORMED, XDP_DROP);
	if (packet->inner.room < cut.found_bytes + CARRY_BYTES)
		return counted(COUNT_MALFORMED, XDP_DROP);
	held = held_find(key, now);
	if (held && held->kind == HELD_LAST && held->next_offset == payload && held->end >= total)
		return join(ctx, packet, held, total);
	if (!held)
		held = held_claim(key, now);
	if (!held)
		return counted(COUNT_FRAGMENT_LOST, XDP_DROP);
	held->since_ns = now;
	return begin(ctx, packet, held, &cut);
}

/* A first fragment for the stack: of a director it is noted, so that the next ones are not taken for tunnel packets. */
static __always_inline int foreign_fragment(const struct outer *outer)
{
	__u64 key = held_key(outer);
	struct held *held;

	if (source_of(outer) != SOURCE_DIRECTOR)
		return XDP_PASS;
	held = held_claim(key, bpf_ktime_get_ns());
	if (held) {
		held->kind = HELD_FOREIGN;
		held_give(held, key);
	}
	return XDP_PASS;
}

/* Passes a later outer fragment on as the inner packet's next, with the bytes that the one before left over. */
static __always_inline int follow(struct xdp_md *ctx, const struct outer *outer, struct held *held)
{
	__u32 left = held->end - outer->offset, payload = outer->payload_bytes, carried = held->carried & 7;
	__u32 inner_offset = held->inner_offset, header_bytes;
	int more = outer->more || held->inner_more, tos;
	union fragment_header header = held->header;
	__u64 carry = *(__u64 *)held->carry;
	__be16 ethertype = held->ethertype;
	int v6 = ethertype == bpf_htons(ETH_P_IPV6);

	tos = decapsulated_tos(outer->tos, header_tos(&header, v6));
	if (tos < 0)
		return held_drop(held, HELD_EMPTY, COUNT_CONGESTION);
	if (outer->more ? payload >= left || payload % 8 : payload < left)
		return held_drop(held, HELD_EMPTY, COUNT_MALFORMED);
	if (outer->more) {
		if (bpf_xdp_load_bytes(ctx, ETH_HLEN + outer->header_bytes + payload - CARRY_BYTES, held->carry,
				       CARRY_BYTES))
			return held_drop(held, HELD_EMPTY, COUNT_MALFORMED);
		held->next_offset += payload;
		/* `payload` is a multiple of 8, so as many bytes are left over as before. */
		held->inner_offset += payload;
	}
	held_give(held, outer->more ? held_key(outer) : HELD_EMPTY);

	set_fragment(&header, v6, inner_offset, more, outer->more ? payload : left + carried);
	finish_header(&header, v6, tos);
	header_bytes = FRAGMENT_HEADER_BYTES(v6);
	carry >>= 8 * (CARRY_BYTES - carried) & 63;
	if (move_head(ctx, (int)outer->header_bytes - (int)header_bytes - (int)carried, ethertype) ||
	    bpf_xdp_store_bytes(ctx, ETH_HLEN, &header, known_length(header_bytes, sizeof(header))))
		return counted(COUNT_FRAGMENT_LOST, XDP_DROP);
	if (carried && bpf_xdp_store_bytes(ctx, ETH_HLEN + header_bytes, &carry, known_length(carried, CARRY_BYTES - 1)))
		return counted(COUNT_FRAGMENT_LOST, XDP_DROP);
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
	held->tos = outer->tos;
	held_give(held, key);
	return XDP_DROP;
}

static __always_inline int later_fragment(struct xdp_md *ctx, const struct outer *outer)
{
	__u64 now = bpf_ktime_get_ns(), key = held_key(outer);
	enum source source = source_of(outer);
	struct held *held;

	/* Which address the inner packet is for cannot be told from here: the stack may have a use for it. */
	if (source == SOURCE_STRANGER)
		return XDP_PASS;
	held = held_find(key, now);
	if (!held)
		return source == SOURCE_DIRECTOR ? hold_last(ctx, outer, key, now) : XDP_PASS;
	if (held->kind == HELD_HEADER && held->next_offset == outer->offset)
		return follow(ctx, outer, held);
	if (held->kind != HELD_FOREIGN)
		return held_drop(held, key, COUNT_FRAGMENT_LOST);
	held_give(held, key);
	return XDP_PASS;
}

#endif
