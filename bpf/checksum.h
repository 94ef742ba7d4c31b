/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The internet checksum (RFC 1071) of IPv4 headers, by 32-bit words: ones' complement sums are the same whichever way
 * the bytes are taken together. */
#ifndef CULVERT_CHECKSUM_H
#define CULVERT_CHECKSUM_H

#include <linux/ip.h>
#include <linux/types.h>

static __always_inline __u16 fold_checksum(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Of the 20 bytes of a header without options; 0xffff if its checksum is right. */
static __always_inline __u16 sum_ipv4_header(const struct iphdr *ip)
{
	const __u32 *word = (const __u32 *)ip;

	return fold_checksum((__u64)word[0] + word[1] + word[2] + word[3] + word[4]);
}

/* RFC 1624, equation 3, for a TTL that goes down by one: ~m + m' is the constant ~1, the TTL being the low byte of m
 * on a little-endian machine. */
static __always_inline __u16 checksum_after_ttl(__u16 checksum)
{
	return ~fold_checksum((__u64)(__u16)~checksum + (__u16)~1);
}

#endif
