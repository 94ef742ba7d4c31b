/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Whether a frame that is not the common case is for a VIP all the same, and so the slow path's: by its addresses alone. */
#ifndef CULVERT_FOR_VIP_H
#define CULVERT_FOR_VIP_H

#include "packet.h"
#include "service-table.h"

#define ICMPV6_NEIGHBOUR_SOLICITATION 135
#define IPV6_MULTICAST 0xff /* the first byte */

/* RFC 4861, section 4.3. */
struct neighbour_solicitation {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be32 reserved;
	struct in6_addr target;
};

/* Frames to a group of hosts are none of a router's business, even if the IP address in them is a VIP. */
static __always_inline int is_to_group(const struct ethernet *ethernet)
{
	return ethernet->destination[0] & 1;
}

/* The slow path answers for VIPs; none of them is an address of this host. */
static __always_inline int asks_for_vip_ipv4(struct cursor *cursor)
{
	const struct arp_ipv4 *arp = parse_arp(cursor);

	return arp && arp->operation == bpf_htons(ARPOP_REQUEST) && is_vip(ipv4_address(arp->target), 0);
}

static __always_inline int asks_for_vip_ipv6(const struct cursor *cursor, const struct ipv6hdr *ip)
{
	const struct neighbour_solicitation *asked = cursor->at;

	if (ip->nexthdr != IPPROTO_ICMPV6 || (const void *)(asked + 1) > cursor->end)
		return 0;
	return asked->type == ICMPV6_NEIGHBOUR_SOLICITATION && is_vip(ipv6_address(&asked->target), 1);
}

static __always_inline int rarity_of_ipv4(struct cursor *cursor, int to_group)
{
	const struct iphdr *ip = parse_ipv4(cursor);

	return ip && !to_group && is_vip(ipv4_address(ip->daddr), 0) ? RARE_OTHER : -1;
}

/* Solicitations are to a group, or to the VIP itself when a neighbour wants to know whether it is still there. */
static __always_inline int rarity_of_ipv6(struct cursor *cursor, int to_group)
{
	const struct ipv6hdr *ip = parse_ipv6(cursor);
	int for_vip;

	if (!ip)
		return -1;
	for_vip = !to_group && is_vip(ipv6_address(&ip->daddr), 1);
	if ((for_vip || ip->daddr.in6_u.u6_addr8[0] == IPV6_MULTICAST) && asks_for_vip_ipv6(cursor, ip))
		return RARE_NEIGHBOUR;
	return for_vip ? RARE_OTHER : -1;
}

/* enum rarity, or -1 for a frame that is for no VIP. */
__noinline int rarity_for_vip(struct xdp_md *ctx)
{
	struct cursor cursor = frame_cursor(ctx);
	const struct ethernet *ethernet;

	switch (parse_link(&cursor, &ethernet)) {
	case bpf_htons(ETH_P_ARP):
		return asks_for_vip_ipv4(&cursor) ? RARE_NEIGHBOUR : -1;
	case bpf_htons(ETH_P_IP):
		return rarity_of_ipv4(&cursor, is_to_group(ethernet));
	case bpf_htons(ETH_P_IPV6):
		return rarity_of_ipv6(&cursor, is_to_group(ethernet));
	default:
		return -1;
	}
}

#endif
