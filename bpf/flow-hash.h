/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef CULVERT_FLOW_HASH_H
#define CULVERT_FLOW_HASH_H

#include <linux/types.h>

/* src/forwarding/hashing/flow-hash.ts computes the same. Address and port in host order. */
static __always_inline __u32 flow_hash(__u32 client, __u32 client_port, const __u32 key[4])
{
	__u64 product = (__u64)(client ^ key[0]) * (__u32)((client_port << 16 | client_port) ^ key[1]);
	__u32 low = (__u32)product ^ key[2], high = (__u32)(product >> 32) ^ key[3];

	product = (__u64)low * high;
	return (__u32)product ^ (__u32)(product >> 32);
}

/* The client word of an IPv6 address, given as its four words lie in memory; `foldIpv6` computes the same. The sum is NH of
 * UMAC (Black et al., CRYPTO 1999): two addresses have the same one with a chance of 2^-32 for whoever does not know the
 * key; a further product takes it to 32 bits. */
static __always_inline __u32 fold_ipv6(const __be32 address[4], const __u32 key[4])
{
	__u64 sum = (__u64)(__u32)(address[0] + key[0]) * (__u32)(address[1] + key[1]) +
		    (__u64)(__u32)(address[2] + key[2]) * (__u32)(address[3] + key[3]);
	__u64 product = (__u64)((__u32)sum ^ key[1]) * ((__u32)(sum >> 32) ^ key[2]);

	return (__u32)product ^ (__u32)(product >> 32);
}

/* slots: a power of two. The top bits, so that a ring of twice the size splits each slot in two. */
static __always_inline __u32 slot_of_hash(__u32 hash, __u32 slots)
{
	return (__u64)hash * slots >> 32;
}

#endif
