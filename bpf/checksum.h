/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The internet checksum (RFC 1071) of IPv4 headers, by 32-bit words: ones' complement sums are the same whichever way
 * the bytes are taken together. */
#ifndef CULVERT_CHECKSUM_H
#define CULVERT_CHECKSUM_H

#include <linux/ip.h>
#include <linux/types.h>

/* To 16 bits, each time by adding the halves to each other crosswise: the upper half then has the end-around carry. */
static __always_inline __u16 fold_checksum(__u64 sum)
{
	__u32 half = (sum + (sum << 32 | sum >> 32)) >> 32;

	return (half + (half << 16 | half >> 16)) >> 16;
}

/* Of a header of 20 bytes. It is right if its 16-bit words add up to a multiple of 0xffff, and so, 2^16 being 1 modulo
 * that, do its 32-bit words. A number is a multiple of an odd one if its product with the other's inverse modulo 2^64
 * is no more than the greatest quotient: one multiplication in place of a long sum of carries, or of a division. */
static __always_inline int ipv4_checksum_is_right(const struct iphdr *ip)
{
	const __u64 quotient = ~0ull / 0xffff, inverse = -quotient;
	const __u32 *word = (const __u32 *)ip;

	return ((__u64)word[0] + word[1] + word[2] + word[3] + word[4]) * inverse <= quotient;
}

/* RFC 1624, equation 3, for a TTL that goes down by one: ~m + m' is the constant ~1, the TTL being the low byte of m
 * on a little-endian machine. */
static __always_inline __u16 checksum_after_ttl(__u16 checksum)
{
	return ~fold_checksum((__u64)(__u16)~checksum + (__u16)~1);
}

#endif
