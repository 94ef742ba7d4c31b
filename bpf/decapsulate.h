/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What taking an outer IPv4 header off needs to know about headers; no map and no verdict is in here. */
#ifndef CULVERT_DECAPSULATE_H
#define CULVERT_DECAPSULATE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "checksum.h"

#define IP_MF 0x2000
#define IP_DF 0x4000
#define IP_OFFSET_MASK 0x1fff
#define IP_HEADER_MAX 60

#define ECN_MASK 3
#define ECN_NOT_ECT 0
#define ECN_ECT1 1
#define ECN_CE 3

/* Tells the verifier what was tested before: a length lies in 1..max. In assembly, because the compiler folds both
 * tests into one subtraction, whose outcome tells the verifier nothing about the length itself. */
#define known_length(length, max)                                                                                     \
	({                                                                                                            \
		__u64 known = (length);                                                                               \
		asm volatile("if %0 > 0 goto +1\n%0 = 1\nif %0 <= %1 goto +1\n%0 = %1" : "+r"(known) : "i"(max));    \
		known;                                                                                                \
	})

/* A whole IPv4 header, zero-filled behind its options: zeroes do not count in a checksum. */
union ip_header {
	struct iphdr ip;
	__u32 word[IP_HEADER_MAX / 4];
};

/* What is kept of the outer header, in host order but for the addresses. */
struct outer {
	__be32 source;
	__be32 destination;
	__u16 id;
	__u16 offset;            /* of a fragment, in bytes */
	__u16 header_bytes;
	__u16 payload_bytes;
	__u8 tos;
	__u8 more;               /* fragments follow */
};

/* Of a whole header with its options; 0xffff if the checksum in it is right. */
static __always_inline __u16 header_sum(const union ip_header *header)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < IP_HEADER_MAX / 4; i++)
		sum += header->word[i];
	return fold_checksum(sum);
}

/* RFC 1624, equation 3. */
static __always_inline void set_tos(struct iphdr *ip, __u8 tos)
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

/* Copies an IPv4 header out of the frame; its length, or -1 where it is cut short or not an IPv4 header. */
static __always_inline int load_ip_header(struct xdp_md *ctx, __u32 at, union ip_header *header)
{
	__u32 bytes;

	__builtin_memset(header, 0, sizeof(*header));
	if (bpf_xdp_load_bytes(ctx, at, header, sizeof(header->ip)))
		return -1;
	bytes = header->ip.ihl * 4;
	if (header->ip.version != 4 || bytes < sizeof(header->ip) || bytes > IP_HEADER_MAX)
		return -1;
	if (bytes > sizeof(header->ip) && bpf_xdp_load_bytes(ctx, at, header, known_length(bytes, IP_HEADER_MAX)))
		return -1;
	return bytes;
}

/* Reads the outer header; 0 where the frame is a sound IPv4 packet that carries IPv4, else the stack may judge it. */
static __always_inline int parse_outer(struct xdp_md *ctx, struct outer *outer)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	union ip_header long_header;
	__u32 total, fragment;
	int bytes;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return -1;
	if (ip->protocol != IPPROTO_IPIP || ip->version != 4 || ip->ihl < 5)
		return -1;
	bytes = ip->ihl * 4;
	if (bytes == sizeof(*ip)) {
		if (!ipv4_checksum_is_right(ip))
			return -1;
	} else if (load_ip_header(ctx, ETH_HLEN, &long_header) < 0 || header_sum(&long_header) != 0xffff) {
		return -1;
	}
	total = bpf_ntohs(ip->tot_len);
	if (total <= (__u32)bytes || ETH_HLEN + total > bpf_xdp_get_buff_len(ctx))
		return -1;
	fragment = bpf_ntohs(ip->frag_off);
	outer->source = ip->saddr;
	outer->destination = ip->daddr;
	outer->id = bpf_ntohs(ip->id);
	outer->offset = (fragment & IP_OFFSET_MASK) * 8;
	outer->more = !!(fragment & IP_MF);
	outer->header_bytes = bytes;
	outer->payload_bytes = total - bytes;
	outer->tos = ip->tos;
	return 0;
}

#endif
