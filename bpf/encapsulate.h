/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Putting the outer header on: what src/forwarding/encapsulate.ts does, byte for byte, and the Ethernet header. */
#ifndef CULVERT_ENCAPSULATE_H
#define CULVERT_ENCAPSULATE_H

#include "checksum.h"
#include "image.h"
#include "parse.h"

#define IP_VERSION_IHL 0x45

/* The first words of an IPv4 header as little-endian machines load them. */
static __always_inline __u32 pack_words(__u16 first, __u16 second)
{
	return first | (__u32)second << 16;
}

/* Makes room before the packet and cuts off padding behind it; -1 if there is no room. */
static __always_inline int make_room(struct xdp_md *ctx, const struct packet *packet)
{
	long padding = frame_bytes(ctx) - ETH_HLEN - packet->length;

	if (padding > 0 && bpf_xdp_adjust_tail(ctx, -padding))
		return -1;
	return bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr));
}

/* 0 is left out: a receiver could take it for "not fragmentable". */
static __always_inline __u16 next_outer_id(struct settings *settings)
{
	__u16 id = __sync_fetch_and_add(&settings->outer_id, 1);

	return id ? id : __sync_fetch_and_add(&settings->outer_id, 1);
}

/* By words, because struct ethhdr is packed and its bytes would be copied one by one. */
static __always_inline void write_ethernet(struct ethhdr *ethernet, const struct real *real)
{
	const __u64 mac = 0xffffffffffff;
	__u64 source = *(const __u64 *)real->source_mac & mac;
	void *frame = ethernet;

	*(__u64 *)frame = (real_next_hop(real) & mac) | source << 48;
	*(__u32 *)(frame + 8) = source >> 16;
	*(__u16 *)(frame + 12) = bpf_htons(ETH_P_IP);
}

static __always_inline void write_outer(struct iphdr *outer, const struct packet *packet,
					const struct real *real, __u16 id)
{
	__u32 *word = (__u32 *)outer;
	__u16 length = bpf_htons(packet->length + sizeof(struct iphdr));
	__u32 first = pack_words(IP_VERSION_IHL | packet->tos << 8, length);
	__u32 second = pack_words(bpf_htons(id), packet->fragment & bpf_htons(IP_DF));
	__u32 third = pack_words((packet->ttl - 1) | IPPROTO_IPIP << 8, 0);
	__be32 source = real->outer_source[0], destination = real->outer_destination[0];
	__u16 sum = fold_checksum((__u64)first + second + third + source + destination);

	word[0] = first;
	word[1] = second;
	word[2] = third | (__u32)(__u16)~sum << 16;
	word[3] = source;
	word[4] = destination;
}

/* Writes both headers into the room made; the inner TTL goes down by one. -1 if there is no such room. */
static __always_inline int encapsulate(struct xdp_md *ctx, const struct packet *packet, const struct real *real,
				       struct settings *settings)
{
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	struct iphdr *outer = (void *)(ethernet + 1), *inner = outer + 1;
	__u16 id = 0;

	if ((void *)(inner + 1) > (void *)(long)ctx->data_end)
		return -1;
	if (!(packet->fragment & bpf_htons(IP_DF)))
		id = next_outer_id(settings);
	inner->ttl = packet->ttl - 1;
	inner->check = checksum_after_ttl(inner->check);
	write_outer(outer, packet, real, id);
	write_ethernet(ethernet, real);
	return 0;
}

#endif
