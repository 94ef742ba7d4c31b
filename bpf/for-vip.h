/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Whether a frame that is not the common case is for a VIP all the same, and so the slow path's: by its addresses alone. */
#ifndef CULVERT_FOR_VIP_H
#define CULVERT_FOR_VIP_H

#include "hand-over.h"
#include "packet.h"
#include "service-table.h"

#define ICMPV6_NEIGHBOUR_SOLICITATION 135
#define ICMPV6_NEIGHBOUR_ADVERTISEMENT 136
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
#define UNANSWERED (-2)

/* As what a request for a VIP's link address is handed over. */
static __always_inline int request_as(int bucket)
{
	if (bucket < 0)
		return FOR_NO_VIP;
	switch (service_at(bucket)->index) {
	case CLAIM_ALWAYS:
		return as_of_vip(RARE_NEIGHBOUR, bucket);
	case CLAIM_HOST:
		return FOR_NO_VIP;
	default:
		return UNANSWERED;
	}
}

static __always_inline int ipv4_request_as(struct cursor *cursor)
{
	const struct arp_ipv4 *arp = parse_arp(cursor);

	if (!arp || arp->operation != bpf_htons(ARPOP_REQUEST))
		return FOR_NO_VIP;
	return request_as(vip_bucket(ipv4_address(arp->target), 0));
}

static __always_inline int ipv4_as(struct cursor *cursor, int to_group)
{
	const struct iphdr *ip = parse_ipv4(cursor);
	int bucket = ip && !to_group ? vip_bucket(ipv4_address(ip->daddr), 0) : -1;

	return bucket < 0 ? FOR_NO_VIP : as_of_vip(RARE_OTHER, bucket);
}

/* Of a packet to a VIP or to a group. Solicitations are to a group, or to the VIP itself when a neighbour wants to know whether
 * it is still there. Advertisements are answers to the host's own stack, which may ask from a VIP that is its address. */
static __always_inline int ipv6_to_vip_as(const struct cursor *cursor, const struct ipv6hdr *ip, int bucket)
{
	const struct neighbour_solicitation *asked = cursor->at;
	int otherwise = bucket < 0 ? FOR_NO_VIP : as_of_vip(RARE_OTHER, bucket);
	int target;

	if (ip->nexthdr != IPPROTO_ICMPV6 || (const void *)(asked + 1) > cursor->end)
		return otherwise;
	if (asked->type == ICMPV6_NEIGHBOUR_ADVERTISEMENT)
		return FOR_NO_VIP;
	if (asked->type != ICMPV6_NEIGHBOUR_SOLICITATION)
		return otherwise;
	target = vip_bucket(ipv6_address(&asked->target), 1);
	return target < 0 ? otherwise : request_as(target);
}

static __always_inline int ipv6_as(struct cursor *cursor, int to_group)
{
	const struct ipv6hdr *ip = parse_ipv6(cursor);
	int bucket;

	if (!ip)
		return FOR_NO_VIP;
	bucket = to_group ? -1 : vip_bucket(ipv6_address(&ip->daddr), 1);
	if (bucket < 0 && ip->daddr.in6_u.u6_addr8[0] != IPV6_MULTICAST)
		return FOR_NO_VIP;
	return ipv6_to_vip_as(cursor, ip, bucket);
}

/* What to hand it over as; FOR_NO_VIP: leave it to the host; UNANSWERED: nobody may have it. */
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
