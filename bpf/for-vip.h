/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Whether a frame that is not the common case is for a VIP all the same, and so the slow path's: by its addresses alone. */
#ifndef CULVERT_FOR_VIP_H
#define CULVERT_FOR_VIP_H

#include "hand-over.h"
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

#define FOR_NO_VIP (-1)

/* The slow path answers for VIPs, whether or not they are addresses of this host. */
static __always_inline int ipv4_request_as(struct cursor *cursor)
{
	const struct arp_ipv4 *arp = parse_arp(cursor);
	int bucket;

	if (!arp || arp->operation != bpf_htons(ARPOP_REQUEST))
		return FOR_NO_VIP;
	bucket = vip_bucket(ipv4_address(arp->target), 0);
	return bucket < 0 ? FOR_NO_VIP : as_of_vip(RARE_NEIGHBOUR, bucket);
}

static __always_inline int ipv6_request_as(const struct cursor *cursor, const struct ipv6hdr *ip)
{
	const struct neighbour_solicitation *asked = cursor->at;
	int bucket;

	if (ip->nexthdr != IPPROTO_ICMPV6 || (const void *)(asked + 1) > cursor->end ||
	    asked->type != ICMPV6_NEIGHBOUR_SOLICITATION)
		return FOR_NO_VIP;
	bucket = vip_bucket(ipv6_address(&asked->target), 1);
	return bucket < 0 ? FOR_NO_VIP : as_of_vip(RARE_NEIGHBOUR, bucket);
}

static __always_inline int ipv4_as(struct cursor *cursor, int to_group)
{
	const struct iphdr *ip = parse_ipv4(cursor);
	int bucket = ip && !to_group ? vip_bucket(ipv4_address(ip->daddr), 0) : -1;

	return bucket < 0 ? FOR_NO_VIP : as_of_vip(RARE_OTHER, bucket);
}

/* Solicitations are to a group, or to the VIP itself when a neighbour wants to know whether it is still there. */
static __always_inline int ipv6_as(struct cursor *cursor, int to_group)
{
	const struct ipv6hdr *ip = parse_ipv6(cursor);
	int bucket, request;

	if (!ip)
		return FOR_NO_VIP;
	bucket = to_group ? -1 : vip_bucket(ipv6_address(&ip->daddr), 1);
	if (bucket >= 0 || ip->daddr.in6_u.u6_addr8[0] == IPV6_MULTICAST) {
		request = ipv6_request_as(cursor, ip);
		if (request != FOR_NO_VIP)
			return request;
	}
	return bucket < 0 ? FOR_NO_VIP : as_of_vip(RARE_OTHER, bucket);
}

/* What to hand it over as, or FOR_NO_VIP. */
__noinline int rarity_for_vip(struct xdp_md *ctx)
{
	struct cursor cursor = frame_cursor(ctx);
	const struct ethernet *ethernet;

	switch (parse_link(&cursor, &ethernet)) {
	case bpf_htons(ETH_P_ARP):
		return ipv4_request_as(&cursor);
	case bpf_htons(ETH_P_IP):
		return ipv4_as(&cursor, is_to_group(ethernet));
	case bpf_htons(ETH_P_IPV6):
		return ipv6_as(&cursor, is_to_group(ethernet));
	default:
		return FOR_NO_VIP;
	}
}

#endif
