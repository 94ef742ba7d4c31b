/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The common case: a whole TCP or UDP packet, IPv4 without options or IPv6 without extension headers, of sound lengths,
 * with TTL to spare. */
#ifndef CULVERT_PACKET_H
#define CULVERT_PACKET_H

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "address.h"
#include "flow-hash.h"
#include "image.h"
#include "parse.h"

#define IP_DF 0x4000
#define IP_FRAGMENT 0x3fff /* more fragments, or an offset */
#define IP_VERSION_IHL 0x45

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define TCP_FLAGS_AT 13

/* What the fast path needs to know of a packet it can forward. In host order, but for what is __be. */
struct packet {
	struct address vip;
	__u32 client_word;       /* as flow keys have it */
	__be16 client_port;
	__be16 service_port;
	__u32 length;            /* of the IP packet */
	__u8 protocol;
	__u8 tcp_flags;          /* 0 for UDP */
	__u8 is_ipv6;
	__u8 is_tagged;          /* or may be; set by the caller of parse_packet() */
};

/* The header without options; whether it makes sense is not looked at. */
static __always_inline struct iphdr *parse_ipv4(struct cursor *cursor)
{
	struct iphdr *ip = cursor->at;

	if (unlikely((void *)(ip + 1) > cursor->end))
		return NULL;
	cursor->at = ip + 1;
	return ip;
}

static __always_inline struct ipv6hdr *parse_ipv6(struct cursor *cursor)
{
	struct ipv6hdr *ip = cursor->at;

	if (unlikely((void *)(ip + 1) > cursor->end))
		return NULL;
	cursor->at = ip + 1;
	return ip;
}

/* bytes: of the IP packet's payload. */
static __always_inline int parse_transport(const struct cursor *cursor, long bytes, struct packet *packet)
{
	const struct udphdr *ports = cursor->at;

	packet->tcp_flags = 0;
	if (likely(packet->protocol == IPPROTO_TCP)) {
		if (unlikely(cursor->at + sizeof(struct tcphdr) > cursor->end || bytes < (long)sizeof(struct tcphdr)))
			return -1;
		packet->tcp_flags = ((const __u8 *)cursor->at)[TCP_FLAGS_AT];
	} else if (packet->protocol != IPPROTO_UDP || (const void *)(ports + 1) > cursor->end ||
		   bytes < (long)sizeof(*ports)) {
		return -1;
	}
	packet->client_port = ports->source;
	packet->service_port = ports->dest;
	return 0;
}

static __always_inline int parse_ipv4_packet(struct cursor *cursor, struct packet *packet)
{
	const struct iphdr *ip = parse_ipv4(cursor);

	if (unlikely(!ip || *(const __u8 *)ip != IP_VERSION_IHL || ip->frag_off & bpf_htons(IP_FRAGMENT) || ip->ttl <= 1))
		return -1;
	packet->is_ipv6 = 0;
	packet->length = bounded_ntohs(ip->tot_len);
	if (unlikely((const void *)ip + packet->length > cursor->end))
		return -1;
	packet->protocol = ip->protocol;
	packet->vip = ipv4_address(ip->daddr);
	return parse_transport(cursor, (long)packet->length - (long)sizeof(*ip), packet);
}

static __always_inline int parse_ipv6_packet(struct cursor *cursor, struct packet *packet)
{
	const struct ipv6hdr *ip = parse_ipv6(cursor);
	__u32 bytes;

	if (unlikely(!ip || *(const __u8 *)ip >> 4 != 6 || ip->hop_limit <= 1))
		return -1;
	packet->is_ipv6 = 1;
	bytes = bounded_ntohs(ip->payload_len);
	if (unlikely((const void *)(ip + 1) + bytes > cursor->end))
		return -1;
	packet->length = sizeof(*ip) + bytes;
	packet->protocol = ip->nexthdr;
	packet->vip = ipv6_address(&ip->daddr);
	return parse_transport(cursor, bytes, packet);
}

/* 0, or -1 for what is not the common case. The cursor stands before the IP header. Leaves the client word to
 * read_client_word(), which is dear for IPv6. */
static __always_inline int parse_packet(struct cursor *cursor, int is_ipv6, struct packet *packet)
{
	return is_ipv6 ? parse_ipv6_packet(cursor, packet) : parse_ipv4_packet(cursor, packet);
}

/* ip: the header that parse_packet() was content with. */
static __always_inline __u32 read_client_word(const void *ip, int is_ipv6)
{
	const struct iphdr *ipv4 = ip;
	const struct ipv6hdr *ipv6 = ip;
	__u32 word;

	if (!is_ipv6)
		return bpf_ntohl(ipv4->saddr);
	word = fold_ipv6((const void *)&ipv6->saddr, settings.hash_key);
	/* Here and now: put off, it would have the compiler keep all that it is made of. */
	asm volatile("" : "+r"(word));
	return word;
}

/* parse_packet() and the client word, from the beginning of a frame that is known to be IP, with a tag or without. */
static __always_inline int parse_frame(const struct xdp_md *ctx, struct packet *packet)
{
	struct cursor cursor = frame_cursor(ctx);
	const struct ethernet *ethernet;
	__be16 protocol = parse_link(&cursor, &ethernet);
	const void *ip = cursor.at;

	if (!protocol)
		return -1;
	packet->is_tagged = ethernet->protocol == bpf_htons(ETH_P_8021Q);
	if (parse_packet(&cursor, protocol == bpf_htons(ETH_P_IPV6), packet))
		return -1;
	packet->client_word = read_client_word(ip, packet->is_ipv6);
	return 0;
}

/* What has to be told of a packet beside its addresses. */
#define INNER_IPV6 1
#define INNER_TAGGED 2

static __always_inline __u32 inner_kind(const struct packet *packet)
{
	return (packet->is_ipv6 ? INNER_IPV6 : 0) | (packet->is_tagged ? INNER_TAGGED : 0);
}

/* A packet but for its VIP, for a function apart, in the registers of a call: in memory it would take stack of both. */
struct packed_packet {
	__u64 ends;              /* client word << 32 | client port << 16 | service port */
	__u64 rest;              /* length | protocol << 32 | TCP flags << 40 | inner_kind() << 48 */
};

static __always_inline struct packed_packet pack_packet(const struct packet *packet)
{
	return (struct packed_packet){
		.ends = (__u64)packet->client_word << 32 | (__u32)packet->client_port << 16 | packet->service_port,
		.rest = (__u64)inner_kind(packet) << 48 | (__u64)packet->tcp_flags << 40 |
			(__u64)packet->protocol << 32 | packet->length,
	};
}

static __always_inline struct packet unpack_packet(__u64 ends, __u64 rest)
{
	return (struct packet){
		.client_word = ends >> 32,
		.client_port = ends >> 16,
		.service_port = ends,
		.length = rest,
		.protocol = rest >> 32,
		.tcp_flags = rest >> 40,
		.is_ipv6 = rest >> 48 & INNER_IPV6,
		.is_tagged = !!(rest >> 48 & INNER_TAGGED),
	};
}

/* The flow's whatever its service hashes. */
static __always_inline __u32 outer_flow_hash(const struct packet *packet)
{
	return flow_hash(packet->client_word, bpf_ntohs(packet->client_port), settings.hash_key);
}

/* As IPVS sees it: what else is set does not matter. UDP opens nothing by this. */
static __always_inline int opens_flow(const struct packet *packet)
{
	return (packet->tcp_flags & (TCP_SYN | TCP_RST)) == TCP_SYN;
}

#endif
