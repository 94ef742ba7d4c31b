/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef CULVERT_ADDRESS_H
#define CULVERT_ADDRESS_H

#include <linux/in6.h>
#include <linux/types.h>

/* Of either family, as it lies in packets and in struct service: of IPv4 the first four bytes, zeroes behind. */
struct address {
	__u64 half[2];
};

static __always_inline struct address ipv4_address(__be32 address)
{
	return (struct address){ .half = { address, 0 } };
}

static __always_inline struct address ipv6_address(const struct in6_addr *address)
{
	const __u64 *half = (const void *)address;

	return (struct address){ .half = { half[0], half[1] } };
}

#endif
