/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Parsing with a cursor: each helper returns the header under it and steps behind, or NULL if the frame ends sooner. */
#ifndef CULVERT_PARSE_H
#define CULVERT_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP_DF 0x4000
#define IP_FRAGMENT 0x3fff /* more fragments, or an offset */

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define TCP_FLAGS_AT 13

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

/* What the fast path needs to know of a packet it can forward. In host order, but for what is __be. */
struct packet {
	__be32 client;
	__be32 vip;
	__be16 client_port;
	__be16 service_port;
	__u16 length;            /* of the IP packet */
	__u8 protocol;
	__u8 tcp_flags;          /* 0 for UDP */
};

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

/* The header without options; whether it makes sense is not looked at. */
static __always_inline struct iphdr *parse_ipv4(struct cursor *cursor)
{
	struct iphdr *ip = cursor->at;

	if (unlikely((void *)(ip + 1) > cursor->end))
		return NULL;
	cursor->at = ip + 1;
	return ip;
}

/* The common case: IPv4 without options, whole, of sound lengths, with TTL to spare, TCP or UDP. 0, or -1 for all else.
 * The cursor stands behind the IP header. */
static __always_inline int parse_common(const struct cursor *cursor, const struct iphdr *ip, struct packet *packet)
{
	const struct udphdr *ports = cursor->at;

	if (unlikely(*(const __u8 *)ip != 0x45 || ip->frag_off & bpf_htons(IP_FRAGMENT) || ip->ttl <= 1))
		return -1;
	packet->length = bounded_ntohs(ip->tot_len);
	if (unlikely((const void *)ip + packet->length > cursor->end))
		return -1;
	packet->protocol = ip->protocol;
	packet->tcp_flags = 0;
	if (likely(packet->protocol == IPPROTO_TCP)) {
		if (unlikely(cursor->at + sizeof(struct tcphdr) > cursor->end))
			return -1;
		if (unlikely(packet->length < sizeof(*ip) + sizeof(struct tcphdr)))
			return -1;
		packet->tcp_flags = ((const __u8 *)cursor->at)[TCP_FLAGS_AT];
	} else if (packet->protocol != IPPROTO_UDP || (const void *)(ports + 1) > cursor->end ||
		   packet->length < sizeof(*ip) + sizeof(*ports)) {
		return -1;
	}
	packet->client = ip->saddr;
	packet->vip = ip->daddr;
	packet->client_port = ports->source;
	packet->service_port = ports->dest;
	return 0;
}

/* The same from the frame's beginning, for a frame that is known to be IPv4. */
static __always_inline int parse_frame(const struct xdp_md *ctx, struct packet *packet)
{
	struct cursor cursor = frame_cursor(ctx);
	const struct ethernet *ethernet = parse_ethernet(&cursor);
	const struct iphdr *ip = parse_ipv4(&cursor);

	return ethernet && ip ? parse_common(&cursor, ip, packet) : -1;
}

/* As IPVS sees it: what else is set does not matter. UDP opens nothing by this. */
static __always_inline int opens_flow(const struct packet *packet)
{
	return (packet->tcp_flags & (TCP_SYN | TCP_RST)) == TCP_SYN;
}

#endif
