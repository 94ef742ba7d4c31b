/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Putting the outer header on: what src/forwarding/tunnel/encapsulate.ts does, byte for byte, and the Ethernet header. */
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

/* 0 is left out: a receiver could take it for "not fragmentable". */
static __always_inline __u16 next_outer_id(void)
{
	__u16 id = __sync_fetch_and_add(&settings.outer_id, 1);

	return id ? id : __sync_fetch_and_add(&settings.outer_id, 1);
}

static __always_inline void write_ethernet(struct ethernet *ethernet, const struct real *real, __u64 next_hop)
{
	const __u64 mac = 0xffffffffffff;
	__u64 source = *(const __u64 *)real->source_mac & mac;
	void *frame = ethernet;

	*(__u64 *)frame = (next_hop & mac) | source << 48;
	*(__u32 *)(frame + 8) = source >> 16;
	ethernet->protocol = bpf_htons(ETH_P_IP);
}

/* ID 0 with DF, as the kernel's IPVS has it. */
static __always_inline void write_outer(struct iphdr *outer, const struct iphdr *inner, const struct real *real)
{
	__u16 df = inner->frag_off & bpf_htons(IP_DF);
	__u16 id = df ? 0 : bpf_htons(next_outer_id());
	__u16 length = bpf_htons(bpf_ntohs(inner->tot_len) + sizeof(*outer));
	__be32 source = real->outer_source[0], destination = real->outer_destination[0];
	__u32 first = pack_words(IP_VERSION_IHL | inner->tos << 8, length);
	__u32 second = pack_words(id, df);
	__u32 third = pack_words(inner->ttl | IPPROTO_IPIP << 8, 0);
	__u16 sum = fold_checksum((__u64)first + second + third + source + destination);
	__u32 *word = (__u32 *)outer;

	word[0] = first;
	word[1] = second;
	word[2] = third | (__u32)(__u16)~sum << 16;
	word[3] = source;
	word[4] = destination;
}

/* Puts both headers before the packet and cuts off the padding behind it; the inner TTL goes down by one. Reads the inner
 * packet again: what was read of it before would have had to be kept in memory, too. -1 if there is no room. */
static __always_inline int encapsulate(struct xdp_md *ctx, const struct real *real, __u64 next_hop)
{
	struct iphdr *outer, *inner;
	void *frame, *end;
	long padding;

	if (unlikely(bpf_xdp_adjust_head(ctx, -(int)sizeof(*outer))))
		return -1;
	frame = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	outer = frame + ETH_HLEN;
	inner = outer + 1;
	if (unlikely((void *)(inner + 1) > end))
		return -1;
	inner->ttl--;
	inner->check = checksum_after_ttl(inner->check);
	write_outer(outer, inner, real);
	write_ethernet(frame, real, next_hop);
	padding = end - (void *)inner - bounded_ntohs(inner->tot_len);
	if (unlikely(padding > 0))
		bpf_xdp_adjust_tail(ctx, -(int)padding);
	return 0;
}

#endif
