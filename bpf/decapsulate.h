/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What taking an outer header off needs to know about headers; no map of the program and no verdict is in here. */
#ifndef CULVERT_DECAPSULATE_H
#define CULVERT_DECAPSULATE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "checksum.h"
#include "known-length.h"

#define IP_MF 0x2000
#define IP_DF 0x4000
#define IP_OFFSET_MASK 0x1fff
#define IP_HEADER_MAX 60
#define IP6_MF 1

#define ECN_MASK 3
#define ECN_NOT_ECT 0
#define ECN_ECT1 1
#define ECN_CE 3

/* Of both families: an IPv4 address is mapped to ::ffff:0:0/96 (RFC 4291, section 2.5.5.2). Such addresses are not
 * used on the wire, and in a checksum the prefix counts for nothing, because 0xffff is zero there. */
struct address {
	__be32 word[4];
};

/* RFC 8200, section 4.5. */
struct fragment_extension {
	__u8 nexthdr;
	__u8 reserved;
	__be16 frag_off;         /* in bytes, with IP6_MF */
	__be32 identification;
};

/* What is kept of the outer header, in host order but for the addresses. */
struct outer {
	struct address source;
	struct address destination;
	__u32 id;
	__u16 offset;            /* of a fragment, in bytes */
	__u16 header_bytes;      /* the fragment extension included */
	__u16 payload_bytes;
	__u8 protocol;
	__u8 tos;
	__u8 more;               /* fragments follow */
};

/* The inner packet's header, and where it is. IPv4 options are not in here. */
struct inner {
	union {
		struct iphdr ip;
		struct ipv6hdr ip6;
	};
	__be16 ethertype;
	__u16 header_bytes;
	__u32 at;                /* from the start of the frame */
	__u32 room;              /* bytes that the outer packet has for it */
	__u32 length;            /* as its header says */
};

static __always_inline struct address ipv4_address(__be32 address)
{
	return (struct address){ .word = { 0, 0, bpf_htonl(0xffff), address } };
}

static __always_inline struct address ipv6_address(const struct in6_addr *address)
{
	struct address copy;

	__builtin_memcpy(&copy, address, sizeof(copy));
	return copy;
}

static __always_inline __u8 ipv6_tos(const struct ipv6hdr *ip6)
{
	return ip6->priority << 4 | ip6->flow_lbl[0] >> 4;
}

static __always_inline void set_ipv6_tos(struct ipv6hdr *ip6, __u8 tos)
{
	ip6->priority = tos >> 4;
	ip6->flow_lbl[0] = (ip6->flow_lbl[0] & 0x0f) | tos << 4;
}

/* RFC 1624, equation 3. */
static __always_inline void set_ipv4_tos(struct iphdr *ip, __u8 tos)
{
	__u16 before = *(__u16 *)ip, after;

	ip->tos = tos;
	after = *(__u16 *)ip;
	ip->check = ~fold_checksum((__u64)(__u16)~ip->check + (__u16)~before + after);
}

/* The inner TOS after decapsulation (RFC 6040, figure 4), or -1: the packet was marked but its ends do not know ECN,
 * so only dropping it tells them of the congestion. */
static __always_inline int decapsulated_tos(__u8 outer, __u8 inner)
{
	__u8 outer_ecn = outer & ECN_MASK;

	if ((inner & ECN_MASK) == ECN_NOT_ECT)
		return outer_ecn == ECN_CE ? -1 : inner;
	if (outer_ecn == ECN_CE || (outer_ecn == ECN_ECT1 && (inner & ECN_MASK) != ECN_CE))
		return (inner & ~ECN_MASK) | outer_ecn;
	return inner;
}

/* Of an IPv4 header with room for all options, zero-filled, as zeroes do not count; 0xffff if its checksum is right. */
static __always_inline __u16 header_sum(const __u32 *word)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < IP_HEADER_MAX / 4; i++)
		sum += word[i];
	return fold_checksum(sum);
}

static __always_inline int long_header_is_right(struct xdp_md *ctx, __u32 bytes)
{
	__u32 word[IP_HEADER_MAX / 4] = {};

	return !bpf_xdp_load_bytes(ctx, ETH_HLEN, word, known_length(bytes, IP_HEADER_MAX)) &&
	       header_sum(word) == 0xffff;
}

/* 0 where it is a sound header of a packet that is all there; else the stack may judge it. */
static __always_inline int parse_outer_ipv4(struct xdp_md *ctx, struct outer *outer)
{
	struct iphdr *ip = (void *)(long)ctx->data + ETH_HLEN;
	__u32 total, fragment, bytes;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end || ip->version != 4 || ip->ihl < 5)
		return -1;
	bytes = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	if (total <= bytes || ETH_HLEN + total > bpf_xdp_get_buff_len(ctx))
		return -1;
	fragment = bpf_ntohs(ip->frag_off);
	outer->source = ipv4_address(ip->saddr);
	outer->destination = ipv4_address(ip->daddr);
	outer->id = bpf_ntohs(ip->id);
	outer->offset = (fragment & IP_OFFSET_MASK) * 8;
	outer->more = !!(fragment & IP_MF);
	outer->header_bytes = bytes;
	outer->payload_bytes = total - bytes;
	outer->protocol = ip->protocol;
	outer->tos = ip->tos;
	if (bytes == sizeof(*ip))
		return ipv4_checksum_is_right(ip) ? 0 : -1;
	return long_header_is_right(ctx, bytes) ? 0 : -1;
}

/* As for IPv4. Of the extension headers only the fragment header is known: a director sends no other. */
static __always_inline int parse_outer_ipv6(struct xdp_md *ctx, struct outer *outer)
{
	struct ipv6hdr *ip6 = (void *)(long)ctx->data + ETH_HLEN;
	struct fragment_extension *extension = (void *)(ip6 + 1);
	void *end = (void *)(long)ctx->data_end;
	__u32 payload;

	if ((void *)(ip6 + 1) > end || ip6->version != 6)
		return -1;
	payload = bpf_ntohs(ip6->payload_len);
	if (payload == 0 || ETH_HLEN + sizeof(*ip6) + payload > bpf_xdp_get_buff_len(ctx))
		return -1;
	outer->source = ipv6_address(&ip6->saddr);
	outer->destination = ipv6_address(&ip6->daddr);
	outer->id = outer->offset = outer->more = 0;
	outer->header_bytes = sizeof(*ip6);
	outer->protocol = ip6->nexthdr;
	outer->tos = ipv6_tos(ip6);
	if (ip6->nexthdr == IPPROTO_FRAGMENT) {
		if ((void *)(extension + 1) > end || payload <= sizeof(*extension))
			return -1;
		payload -= sizeof(*extension);
		outer->header_bytes += sizeof(*extension);
		outer->protocol = extension->nexthdr;
		outer->offset = bpf_ntohs(extension->frag_off) & ~7;
		outer->more = bpf_ntohs(extension->frag_off) & IP6_MF;
		outer->id = bpf_ntohl(extension->identification);
	}
	outer->payload_bytes = payload;
	return 0;
}

static __always_inline int parse_outer(struct xdp_md *ctx, struct outer *outer)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return -1;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return parse_outer_ipv4(ctx, outer);
	return eth->h_proto == bpf_htons(ETH_P_IPV6) ? parse_outer_ipv6(ctx, outer) : -1;
}

static __always_inline int is_ipv6(const struct inner *inner)
{
	return inner->ethertype == bpf_htons(ETH_P_IPV6);
}

/* Reads the inner header at `at`; -1 where the frame is too short for one. Sound it need not be. */
static __always_inline int load_inner(struct xdp_md *ctx, struct inner *inner)
{
	__u32 bytes = is_ipv6(inner) ? sizeof(inner->ip6) : sizeof(inner->ip);

	__builtin_memset(&inner->ip6, 0, sizeof(inner->ip6));
	if (inner->room < bytes || bpf_xdp_load_bytes(ctx, inner->at, &inner->ip, known_length(bytes, sizeof(inner->ip6))))
		return -1;
	if (is_ipv6(inner)) {
		inner->header_bytes = bytes;
		inner->length = bytes + bpf_ntohs(inner->ip6.payload_len);
	} else {
		inner->header_bytes = inner->ip.ihl * 4;
		inner->length = bpf_ntohs(inner->ip.tot_len);
	}
	return 0;
}

static __always_inline int inner_is_sound(const struct inner *inner)
{
	if (is_ipv6(inner))
		return inner->ip6.version == 6;
	return inner->ip.version == 4 && inner->ip.ihl >= 5 && inner->length >= inner->header_bytes;
}

static __always_inline struct address inner_destination(const struct inner *inner)
{
	return is_ipv6(inner) ? ipv6_address(&inner->ip6.daddr) : ipv4_address(inner->ip.daddr);
}

static __always_inline __u8 inner_tos(const struct inner *inner)
{
	return is_ipv6(inner) ? ipv6_tos(&inner->ip6) : inner->ip.tos;
}

static __always_inline void set_inner_tos(struct inner *inner, __u8 tos)
{
	if (is_ipv6(inner))
		set_ipv6_tos(&inner->ip6, tos);
	else
		set_ipv4_tos(&inner->ip, tos);
}

#endif
