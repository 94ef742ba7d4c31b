/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What stands before the inner packet on its way to a real, as src/forwarding/tunnel/encapsulate.ts builds it. */
#ifndef CULVERT_OUTER_HEADER_H
#define CULVERT_OUTER_HEADER_H

#include "checksum.h"
#include "image.h"
#include "packet.h"

#define DYNAMIC_PORTS 0xc000 /* the first of them; RFC 6335, section 6 */
#define DYNAMIC_PORTS_MASK 0x3fff

struct envelope {
	int inner_ipv6;
	int outer_ipv6;
	int tunnel;              /* enum tunnel_type */
	int tag_before;          /* the frame came with a tag */
	int tag_after;           /* it leaves with one */
};

/* RFC 2784, no flags set. */
struct gre {
	__be16 flags;
	__be16 protocol;
};

/* UDP and, behind it, GUE version 0 without extension fields (draft-ietf-intarea-gue). */
struct gue {
	__be16 source_port;
	__be16 destination_port;
	__be16 length;
	__be16 checksum;
	__u8 version_length;
	__u8 protocol;
	__be16 flags;
};

/* What the outer header takes from the inner one, whose hop that was. */
struct carried {
	__u8 tos;
	__u8 ttl;
	__be16 df;
	__u32 length;            /* of the inner packet; behind write_tunnel(), of all that the outer IP header carries */
};

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

/* The TTL of the packet goes down by one. */
static __always_inline struct carried carry_ipv4(struct iphdr *inner)
{
	inner->ttl--;
	inner->check = checksum_after_ttl(inner->check);
	return (struct carried){
		.tos = inner->tos,
		.ttl = inner->ttl,
		.df = inner->frag_off & bpf_htons(IP_DF),
		.length = bounded_ntohs(inner->tot_len),
	};
}

static __always_inline struct carried carry_ipv6(struct ipv6hdr *inner)
{
	inner->hop_limit--;
	return (struct carried){
		.tos = bpf_ntohl(*(__be32 *)inner) >> 20,
		.ttl = inner->hop_limit,
		.length = sizeof(*inner) + bounded_ntohs(inner->payload_len),
	};
}

static __always_inline __u8 inner_protocol(struct envelope envelope)
{
	return envelope.inner_ipv6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
}

static __always_inline __u8 outer_protocol(struct envelope envelope)
{
	if (envelope.tunnel == TUNNEL_IPIP)
		return inner_protocol(envelope);
	return envelope.tunnel == TUNNEL_GRE ? IPPROTO_GRE : IPPROTO_UDP;
}

/* By its source port routers tell flows apart. */
static __always_inline __be16 gue_source_port(__u32 hash)
{
	return bpf_htons(DYNAMIC_PORTS | (hash & DYNAMIC_PORTS_MASK));
}

static __always_inline void write_gue(struct gue *gue, const struct real *real, __u32 hash,
				      struct envelope envelope, __u32 length)
{
	gue->source_port = gue_source_port(hash);
	gue->destination_port = real->tunnel_port;
	gue->length = bpf_htons(length);
	gue->checksum = 0;
	gue->version_length = 0;
	gue->protocol = inner_protocol(envelope);
	gue->flags = 0;
}

/* ID 0 with DF, as the kernel's IPVS has it. */
static __always_inline void write_outer_ipv4(struct iphdr *outer, const struct real *real, struct carried carried,
					     __u8 protocol)
{
	__u16 id = carried.df ? 0 : bpf_htons(next_outer_id());
	__be32 source = real->outer_source[0], destination = real->outer_destination[0];
	__u32 first = pack_words(IP_VERSION_IHL | carried.tos << 8, bpf_htons(carried.length + sizeof(*outer)));
	__u32 second = pack_words(id, carried.df);
	__u32 third = pack_words(carried.ttl | protocol << 8, 0);
	__u16 sum = fold_checksum((__u64)first + second + third + source + destination);
	__u32 *word = (__u32 *)outer;

	word[0] = first;
	word[1] = second;
	word[2] = third | (__u32)(__u16)~sum << 16;
	word[3] = source;
	word[4] = destination;
}

/* Flow label 0. */
static __always_inline void write_outer_ipv6(struct ipv6hdr *outer, const struct real *real, struct carried carried,
					     __u8 protocol)
{
	const __u64 *source = (const __u64 *)real->outer_source, *destination = (const __u64 *)real->outer_destination;
	__u64 *word = (__u64 *)outer;

	*(__be32 *)outer = bpf_htonl(6u << 28 | (__u32)carried.tos << 20);
	outer->payload_len = bpf_htons(carried.length);
	outer->nexthdr = protocol;
	outer->hop_limit = carried.ttl;
	word[1] = source[0];
	word[2] = source[1];
	word[3] = destination[0];
	word[4] = destination[1];
}

#endif
