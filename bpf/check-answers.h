/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Recognises what belongs to a health check of the director among frames that are for no VIP: a real server's answer, from the
 * VIP, and an ICMP error that quotes a packet of a check. The sockets of checks are in a network namespace of the daemon's own,
 * so the host's stack must not have these frames. Everything else stays the host's. */
#ifndef CULVERT_CHECK_ANSWERS_H
#define CULVERT_CHECK_ANSWERS_H

#include "packet.h"

#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_OFFSET 0x1fff
#define IPV6_NEXT_FRAGMENT 44
#define IPV6_OFFSET 0xfff8
#define IPV6_MORE_FRAGMENTS 1
#define ICMP_BYTES 8
#define ICMP_ECHO_REQUEST 8
#define ICMP_ECHO_REPLY 0
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129
#define IPPROTO_ICMP_OF(is_ipv6) ((is_ipv6) ? IPPROTO_ICMPV6 : IPPROTO_ICMP)

/* Later fragments name no ports: they belong to the check whose first fragment had the same addresses, protocol and ID.
 * An element is hash << 32 | tick of the first fragment. */
#define ANSWER_FRAGMENTS 256
#define ANSWER_FRAGMENT_TICKS 300
__u64 answer_fragments[ANSWER_FRAGMENTS] SEC(".bss.answer_frags");

/* RFC 8200, section 4.5. */
struct ipv6_fragment {
	__u8 next_header;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

static __always_inline __u32 mix(__u32 hash, __u32 word)
{
	hash = (hash ^ word) * 0x9e3779b1u;
	return hash ^ hash >> 15;
}

static __always_inline __u32 mix_address(__u32 hash, struct address address)
{
	for (int i = 0; i < 2; i++) {
		hash = mix(hash, address.half[i]);
		hash = mix(hash, address.half[i] >> 32);
	}
	return hash;
}

/* As in src/dataplane/xdp/checks/check-words.ts. port: of the VIP, as it lies in packets; 0 of an echo request. */
static __always_inline __u32 check_word(struct address vip, struct address director, __be16 port)
{
	return mix(mix_address(mix_address(0, vip), director), port) | 1;
}

static __always_inline int has_check(__u32 row, __be16 local, __u32 word)
{
	return READ_ONCE(check_words[row << 16 | bounded_ntohs(local)]) == word;
}

/* What stands behind an IP header of a check's packet. The cursor is there. vip, director: as the packet would have to have
 * them. answer: it came from the VIP; else it is quoted as the check sent it. */
static __always_inline int is_of_check(const struct cursor *cursor, __u32 protocol, int is_ipv6, int answer,
				       struct address vip, struct address director)
{
	const __be16 *word = cursor->at;
	__be16 remote = 0, local;
	__u32 row;

	if ((const void *)word + ICMP_BYTES > cursor->end)
		return 0;
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
		row = protocol == IPPROTO_TCP ? CHECK_TCP : CHECK_UDP;
		remote = word[answer ? 0 : 1];
		local = word[answer ? 1 : 0];
	} else if (protocol == IPPROTO_ICMP_OF(is_ipv6)) {
		__u8 request = is_ipv6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST;
		__u8 reply = is_ipv6 ? ICMPV6_ECHO_REPLY : ICMP_ECHO_REPLY;

		if (*(const __u8 *)word != (answer ? reply : request))
			return 0;
		row = CHECK_ECHO;
		local = word[2];
	} else {
		return 0;
	}
	return has_check(2 * row + is_ipv6, local, check_word(vip, director, remote));
}

static __always_inline int is_error(__u8 type, int is_ipv6)
{
	if (is_ipv6)
		return type >= 1 && type <= 4;
	return type == 3 || type == 4 || type == 11 || type == 12;
}

static __always_inline void remember_fragment(__u32 hash)
{
	answer_fragments[hash % ANSWER_FRAGMENTS] = (__u64)hash << 32 | settings.now;
}

static __always_inline int is_remembered_fragment(__u32 hash)
{
	__u64 known = answer_fragments[hash % ANSWER_FRAGMENTS];

	return known >> 32 == hash && settings.now - (__u32)known < ANSWER_FRAGMENT_TICKS;
}

/* Steps over an IPv4 header with its options. */
static __always_inline const struct iphdr *step_over_ipv4(struct cursor *cursor)
{
	const struct iphdr *ip = parse_ipv4(cursor);

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return NULL;
	cursor->at = (void *)ip + 4 * ip->ihl;
	return ip;
}

static __always_inline int quotes_check_ipv4(struct cursor *cursor, __be32 director)
{
	const struct iphdr *quoted;

	cursor->at += ICMP_BYTES;
	quoted = step_over_ipv4(cursor);
	return quoted && quoted->saddr == director && !(quoted->frag_off & bpf_htons(IPV4_OFFSET)) &&
	       is_of_check(cursor, quoted->protocol, 0, 0, ipv4_address(quoted->daddr), ipv4_address(director));
}

static __always_inline int answers_check_ipv4(struct cursor *cursor)
{
	const struct iphdr *ip = step_over_ipv4(cursor);
	struct address vip, director;
	__u32 fragment = 0;

	if (!ip)
		return 0;
	vip = ipv4_address(ip->saddr);
	director = ipv4_address(ip->daddr);
	if (ip->frag_off & bpf_htons(IP_FRAGMENT)) {
		fragment = mix(check_word(vip, director, ip->id), ip->protocol);
		if (ip->frag_off & bpf_htons(IPV4_OFFSET))
			return is_remembered_fragment(fragment);
	}
	if (is_of_check(cursor, ip->protocol, 0, 1, vip, director)) {
		if (ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS))
			remember_fragment(fragment);
		return 1;
	}
	if (ip->protocol != IPPROTO_ICMP || cursor->at + ICMP_BYTES > cursor->end)
		return 0;
	return is_error(*(const __u8 *)cursor->at, 0) && quotes_check_ipv4(cursor, ip->daddr);
}

static __always_inline int quotes_check_ipv6(struct cursor *cursor, struct address director)
{
	const struct ipv6hdr *quoted;
	struct address source;

	cursor->at += ICMP_BYTES;
	quoted = parse_ipv6(cursor);
	if (!quoted)
		return 0;
	source = ipv6_address(&quoted->saddr);
	return source.half[0] == director.half[0] && source.half[1] == director.half[1] &&
	       is_of_check(cursor, quoted->nexthdr, 1, 0, ipv6_address(&quoted->daddr), director);
}

static __always_inline int answers_check_ipv6(struct cursor *cursor)
{
	const struct ipv6hdr *ip = parse_ipv6(cursor);
	const struct ipv6_fragment *part;
	struct address vip, director;
	__u32 protocol, fragment = 0;

	if (!ip)
		return 0;
	vip = ipv6_address(&ip->saddr);
	director = ipv6_address(&ip->daddr);
	protocol = ip->nexthdr;
	if (protocol == IPV6_NEXT_FRAGMENT) {
		part = cursor->at;
		if ((const void *)(part + 1) > cursor->end)
			return 0;
		cursor->at = (void *)(part + 1);
		protocol = part->next_header;
		fragment = mix(check_word(vip, director, 0), part->id);
		if (part->offset & bpf_htons(IPV6_OFFSET))
			return is_remembered_fragment(fragment);
	}
	if (is_of_check(cursor, protocol, 1, 1, vip, director)) {
		if (fragment)
			remember_fragment(fragment);
		return 1;
	}
	if (protocol != IPPROTO_ICMPV6 || cursor->at + ICMP_BYTES > cursor->end)
		return 0;
	return is_error(*(const __u8 *)cursor->at, 1) && quotes_check_ipv6(cursor, director);
}

/* Of a frame that is for no VIP. */
__noinline int is_check_answer(struct xdp_md *ctx)
{
	struct cursor cursor = frame_cursor(ctx);
	const struct ethernet *ethernet;

	switch (parse_link(&cursor, &ethernet)) {
	case bpf_htons(ETH_P_IP):
		return answers_check_ipv4(&cursor);
	case bpf_htons(ETH_P_IPV6):
		return answers_check_ipv6(&cursor);
	default:
		return 0;
	}
}

#endif
