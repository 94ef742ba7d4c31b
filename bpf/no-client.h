/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Sources that no client can have, by the rule of src/forwarding/packets/client-address.ts: packets from them are the slow
 * path's, which drops and counts them. */
#ifndef CULVERT_NO_CLIENT_H
#define CULVERT_NO_CLIENT_H

#include "image.h"
#include "packet.h"

static __always_inline __u32 place_of_no_client(__u32 word)
{
	__u32 hash = word * 0x9e3779b1u;

	return (hash ^ hash >> 15) * 0x85ebca6bu >> 16;
}

/* A VIP, or an address of the director's. */
__noinline int is_listed(__u32 word)
{
	__u32 place = place_of_no_client(word);

#pragma clang loop unroll(disable)
	for (int probe = 0; probe < NO_CLIENT_PROBES; probe++) {
		if (READ_ONCE(no_clients.words[(place + probe) % NO_CLIENT_PLACES]) == word)
			return 1;
	}
	return 0;
}

/* 0 for all but a few of the words that are not listed. */
static __always_inline int may_be_listed(__u32 word)
{
	return READ_ONCE(no_clients.filter[word % NO_CLIENT_FILTER]);
}

/* Of this network (0/8), loopback, multicast or broadcast. 240/4 is for itself: so each address needs three comparisons. */
static __always_inline int is_special_ipv4(__u32 word)
{
	if (unlikely(word >= 0xe0000000))
		return word < 0xf0000000 || word == 0xffffffff;
	return word < 0x1000000 || word >> 24 == 127;
}

/* Of ::/64, where ::, ::1 and the IPv4-mapped addresses are, or multicast. */
static __always_inline int is_special_ipv6(const struct ipv6hdr *ip)
{
	__u64 network = ipv6_address(&ip->saddr).half[0];

	return !network || (__u8)network == 0xff;
}

/* Whoever the director is. word: the client word of the packet that begins there. */
static __always_inline int is_special(const void *ip, int is_ipv6, __u32 word)
{
	return is_ipv6 ? is_special_ipv6(ip) : is_special_ipv4(word);
}

#endif
