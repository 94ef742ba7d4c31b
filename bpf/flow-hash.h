/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef CULVERT_FLOW_HASH_H
#define CULVERT_FLOW_HASH_H

#include <linux/types.h>

/* src/forwarding/image/flow-hash.ts computes the same. Address and port in host order. */
static __always_inline __u32 flow_hash(__u32 client, __u32 client_port, const __u32 key[4])
{
	__u64 product = (__u64)(client ^ key[0]) * (__u32)((client_port << 16 | client_port) ^ key[1]);
	__u32 low = (__u32)product ^ key[2], high = (__u32)(product >> 32) ^ key[3];

	product = (__u64)low * high;
	return (__u32)product ^ (__u32)(product >> 32);
}

/* slots: a power of two. The top bits, so that a ring of twice the size splits each slot in two. */
static __always_inline __u32 slot_of_hash(__u32 hash, __u32 slots)
{
	return (__u64)hash * slots >> 32;
}

#endif
