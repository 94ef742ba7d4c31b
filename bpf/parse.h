/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Parsing with a cursor: each helper returns the header under it and steps behind, or NULL if the frame ends sooner. */
#ifndef CULVERT_PARSE_H
#define CULVERT_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* The common case is laid out in one piece, without jumps. */
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define ARPHRD_ETHER 1
#define ARPOP_REQUEST 1

#define NULL ((void *)0)

struct cursor {
	void *at;
	void *end;
};

/* Like struct ethhdr, which is packed: compilers read its protocol byte by byte. */
struct ethernet {
	__u8 destination[ETH_ALEN];
	__u8 source[ETH_ALEN];
	__be16 protocol;
};

struct vlan_tag {
	__be16 control;
	__be16 protocol;
};

/* An ARP packet about IPv4 over Ethernet. linux/if_arp.h leaves the addresses out, and needs headers of the C library. */
struct arp_ipv4 {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_bytes;
	__u8 protocol_bytes;
	__be16 operation;
	__u8 sender_mac[ETH_ALEN];
	__be32 sender;
	__u8 target_mac[ETH_ALEN];
	__be32 target;
} __attribute__((packed));

/* The verifier of 6.1 and 6.12 forgets how large a value with swapped bytes can be, and allows no pointer arithmetic with
 * it; the compiler knows it and would leave the mask out. */
static __always_inline __u16 bounded_ntohs(__be16 value)
{
	__u32 host = bpf_ntohs(value);

	asm volatile("" : "+r"(host));
	return host & 0xffff;
}

static __always_inline long frame_bytes(const struct xdp_md *ctx)
{
	long bytes = (long)ctx->data_end - (long)ctx->data;

	/* Keeps the compiler from folding this into 32-bit arithmetic, which the verifier does not allow on pointers. */
	asm volatile("" : "+r"(bytes));
	return bytes;
}

static __always_inline struct cursor frame_cursor(const struct xdp_md *ctx)
{
	struct cursor cursor = { .at = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };

	return cursor;
}

static __always_inline struct ethernet *parse_ethernet(struct cursor *cursor)
{
	struct ethernet *ethernet = cursor->at;

	if (unlikely((void *)(ethernet + 1) > cursor->end))
		return NULL;
	cursor->at = ethernet + 1;
	return ethernet;
}

/* 802.1Q, one tag: a second one stands as the protocol behind it. */
static __always_inline struct vlan_tag *parse_vlan_tag(struct cursor *cursor)
{
	struct vlan_tag *tag = cursor->at;

	if ((void *)(tag + 1) > cursor->end)
		return NULL;
	cursor->at = tag + 1;
	return tag;
}

static __always_inline int has_tag(const struct xdp_md *ctx)
{
	struct cursor cursor = frame_cursor(ctx);
	const struct ethernet *ethernet = parse_ethernet(&cursor);

	return ethernet && ethernet->protocol == bpf_htons(ETH_P_8021Q);
}

/* Ethernet header and tag, if any; the protocol behind them, or 0. */
static __always_inline __be16 parse_link(struct cursor *cursor, const struct ethernet **ethernet)
{
	const struct vlan_tag *tag;

	*ethernet = parse_ethernet(cursor);
	if (!*ethernet)
		return 0;
	if ((*ethernet)->protocol != bpf_htons(ETH_P_8021Q))
		return (*ethernet)->protocol;
	tag = parse_vlan_tag(cursor);
	return tag ? tag->protocol : 0;
}

static __always_inline struct arp_ipv4 *parse_arp(struct cursor *cursor)
{
	struct arp_ipv4 *arp = cursor->at;

	if ((void *)(arp + 1) > cursor->end)
		return NULL;
	if (arp->hardware != bpf_htons(ARPHRD_ETHER) || arp->protocol != bpf_htons(ETH_P_IP) ||
	    arp->hardware_bytes != ETH_ALEN || arp->protocol_bytes != sizeof(arp->target))
		return NULL;
	cursor->at = arp + 1;
	return arp;
}

#endif
