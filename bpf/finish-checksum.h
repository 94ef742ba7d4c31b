/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Checksums that the sender left to a device which left them in turn, as the two ends of a veth cable do: the field holds the
 * sum of the pseudo header alone. XDP knows nothing of that once the packet goes on, so that the real would drop it. As
 * src/dataplane/xdp/tap/finish-checksum.ts does. */
#ifndef CULVERT_FINISH_CHECKSUM_H
#define CULVERT_FINISH_CHECKSUM_H

#include "checksum.h"
#include "frame-sum.h"
#include "packet.h"

#define TCP_CHECKSUM_AT 16
#define UDP_CHECKSUM_AT 6

/* Not folded. A sum of 16-bit words may be added up in words of 32 bits, each as it lies there. The ends are looked at again,
 * because the verifier does not always know which family it was that parse_packet() found to be all there. */
static __always_inline __u64 sum_addresses(const void *ip, const void *end, int is_ipv6)
{
	const __u32 *ipv6 = ip + __builtin_offsetof(struct ipv6hdr, saddr);
	const __u32 *ipv4 = ip + __builtin_offsetof(struct iphdr, saddr);

	if (is_ipv6) {
		if ((const void *)(ipv6 + 8) > end)
			return 0;
		return (__u64)ipv6[0] + ipv6[1] + ipv6[2] + ipv6[3] + ipv6[4] + ipv6[5] + ipv6[6] + ipv6[7];
	}
	return (const void *)(ipv4 + 2) > end ? 0 : (__u64)ipv4[0] + ipv4[1];
}

static __always_inline __u16 pseudo_sum(__u64 addresses, __u32 bytes, __u8 protocol)
{
	return fold_checksum(addresses + bpf_htonl(bytes) + bpf_htonl(protocol));
}

static __always_inline __be16 *checksum_field(void *transport, const void *end, __u8 protocol)
{
	__be16 *field = transport + (protocol == IPPROTO_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);

	return (const void *)(field + 1) > end ? NULL : field;
}

/* Finishes the checksum of a packet of the common case, if it is unfinished. By chance a finished one may look the same: then
 * it is right as it is. */
__noinline int finish_checksum(struct xdp_md *ctx)
{
	struct cursor cursor = frame_cursor(ctx);
	const struct ethernet *ethernet;
	__be16 protocol = parse_link(&cursor, &ethernet);
	struct packet packet;
	__u32 sum, pseudo, at, bytes;
	void *ip = cursor.at;
	__be16 *field;

	if (!protocol || parse_packet(&cursor, protocol == bpf_htons(ETH_P_IPV6), &packet))
		return 0;
	at = ETH_HLEN + (ethernet->protocol == bpf_htons(ETH_P_8021Q) ? sizeof(struct vlan_tag) : 0);
	bytes = packet.is_ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	at += bytes;
	bytes = packet.length - bytes;
	field = checksum_field(cursor.at, cursor.end, packet.protocol);
	pseudo = pseudo_sum(sum_addresses(ip, cursor.end, packet.is_ipv6), bytes, packet.protocol);
	if (!field || *field != pseudo)
		return 0;
	sum = frame_sum(ctx, at, bytes);
	if (fold_checksum((__u64)sum + pseudo) == 0xffff)
		return 0;
	sum = (__u16)~fold_checksum(sum);
	*field = sum || packet.protocol == IPPROTO_TCP ? sum : 0xffff;
	return 1;
}

#endif
