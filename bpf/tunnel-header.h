/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What stands between the outer and the inner header: nothing (IPIP), GRE (RFC 2784), or UDP and GUE variant 0
 * (draft-ietf-intarea-gue) as include/net/gue.h has it. */
#ifndef CULVERT_TUNNEL_HEADER_H
#define CULVERT_TUNNEL_HEADER_H

#include <linux/udp.h>

#include "decapsulate.h"
#include "frame-sum.h"

enum tunnel_kind {
	TUNNEL_IPIP = 0,
	TUNNEL_GRE = 1,
	TUNNEL_GUE = 2,
};

#define GRE_CHECKSUM 0x8000
#define GRE_CHECKSUM_BYTES 4     /* with the reserved half */
#define GUE_NOT_DATA 0xe0        /* another variant, or a control message */
#define GUE_HLEN_MASK 0x1f       /* of the options, in words */
#define GUE_PRIVATE 1            /* the one flag in use: private flags follow */
#define GUE_REMOTE_CHECKSUM (1u << 31)

struct gre_header {
	__be16 flags;
	__be16 protocol;
};

struct gue_header {
	struct udphdr udp;
	__u8 hlen;               /* with the variant and the control bit above it */
	__u8 protocol;
	__be16 flags;
};

struct gue_options {
	__be32 private_flags;
	__be16 sum_start;        /* both from the inner packet's first byte on */
	__be16 sum_at;
};

struct tunnel {
	__u16 header_bytes;
	__be16 ethertype;        /* of the inner packet */
	__u16 sum_start;         /* remote checksum: from where to the end, and where it belongs; both 0: none */
	__u16 sum_at;
	__u16 payload_bytes;     /* of the outer packet, as UDP sees it */
	__u8 has_checksum;
};

static __always_inline __be16 ethertype_of(__u8 protocol)
{
	if (protocol == IPPROTO_IPIP)
		return bpf_htons(ETH_P_IP);
	return protocol == IPPROTO_IPV6 ? bpf_htons(ETH_P_IPV6) : 0;
}

/* Keys, sequence numbers and what RFC 1701 had besides belong to tunnels of others. */
static __always_inline int parse_gre(struct xdp_md *ctx, __u32 at, struct tunnel *tunnel)
{
	struct gre_header gre;

	if (bpf_xdp_load_bytes(ctx, at, &gre, sizeof(gre)) || (gre.flags & ~bpf_htons(GRE_CHECKSUM)))
		return -1;
	tunnel->has_checksum = gre.flags != 0;
	tunnel->header_bytes = sizeof(gre) + (gre.flags ? GRE_CHECKSUM_BYTES : 0);
	if (gre.protocol == bpf_htons(ETH_P_IP) || gre.protocol == bpf_htons(ETH_P_IPV6))
		tunnel->ethertype = gre.protocol;
	return 0;
}

static __always_inline int parse_gue_options(struct xdp_md *ctx, __u32 at, __u32 bytes, struct tunnel *tunnel)
{
	struct gue_options options = {};

	if (bytes < sizeof(options.private_flags) ||
	    bpf_xdp_load_bytes(ctx, at, &options, sizeof(options.private_flags)))
		return -1;
	if (options.private_flags == 0)
		return 0;
	if (options.private_flags != bpf_htonl(GUE_REMOTE_CHECKSUM) || bytes < sizeof(options) ||
	    bpf_xdp_load_bytes(ctx, at, &options, sizeof(options)))
		return -1;
	tunnel->sum_start = bpf_ntohs(options.sum_start);
	tunnel->sum_at = bpf_ntohs(options.sum_at);
	return 0;
}

static __always_inline int parse_gue(struct xdp_md *ctx, __u32 at, __be16 port, struct tunnel *tunnel)
{
	struct gue_header gue;
	__u32 options;

	if (bpf_xdp_load_bytes(ctx, at, &gue, sizeof(gue)) || gue.udp.dest != port || (gue.hlen & GUE_NOT_DATA) ||
	    (gue.flags & ~bpf_htons(GUE_PRIVATE)))
		return -1;
	options = (gue.hlen & GUE_HLEN_MASK) * 4;
	tunnel->has_checksum = gue.udp.check != 0;
	tunnel->header_bytes = sizeof(gue) + options;
	tunnel->payload_bytes = bpf_ntohs(gue.udp.len);
	tunnel->ethertype = ethertype_of(gue.protocol);
	return gue.flags ? parse_gue_options(ctx, at + sizeof(gue), options, tunnel) : 0;
}

/* 0 where it is a tunnel header that is known, and IPv4 or IPv6 is said to follow. */
static __always_inline int parse_tunnel(struct xdp_md *ctx, const struct outer *outer, __be16 port,
					struct tunnel *tunnel)
{
	__u32 at = ETH_HLEN + outer->header_bytes;
	int fault = 0;

	*tunnel = (struct tunnel){ .payload_bytes = outer->payload_bytes };
	if (outer->protocol == IPPROTO_GRE)
		fault = parse_gre(ctx, at, tunnel);
	else if (outer->protocol == IPPROTO_UDP)
		fault = parse_gue(ctx, at, port, tunnel);
	else
		tunnel->ethertype = ethertype_of(outer->protocol);
	return fault || !tunnel->ethertype || tunnel->header_bytes >= outer->payload_bytes ? -1 : 0;
}

static __always_inline int has_remote_checksum(const struct tunnel *tunnel)
{
	return tunnel->sum_start || tunnel->sum_at;
}

static __always_inline int tunnel_checksum_is_right(struct xdp_md *ctx, const struct outer *outer,
						     const struct tunnel *tunnel)
{
	__u64 sum = 0;

	if (!tunnel->has_checksum)
		return 1;
	if (outer->protocol == IPPROTO_UDP) {
#pragma unroll
		for (int i = 0; i < 4; i++)
			sum += (__u64)outer->source.word[i] + outer->destination.word[i];
		sum += bpf_htons(IPPROTO_UDP) + bpf_htons(tunnel->payload_bytes);
	}
	sum += frame_sum(ctx, ETH_HLEN + outer->header_bytes, tunnel->payload_bytes);
	return fold_checksum(sum) == 0xffff;
}

/* Remote checksum offload (draft-herbert-remotecsumoffload): the sender left the sum of the pseudo header where the
 * inner checksum belongs, so that what UDP's checksum protects need not be summed twice. -1 where that is no place
 * in the inner packet's payload. */
static __always_inline int finish_remote_checksum(struct xdp_md *ctx, const struct tunnel *tunnel,
						  const struct inner *inner)
{
	__u32 start = tunnel->sum_start, at = tunnel->sum_at;
	__u16 check;

	if (start < inner->header_bytes || at < start || at + sizeof(check) > inner->length)
		return -1;
	check = ~fold_checksum(frame_sum(ctx, inner->at + start, inner->length - start));
	/* Zero would say that there is none (UDP). */
	if (check == 0)
		check = 0xffff;
	return bpf_xdp_store_bytes(ctx, inner->at + at, &check, sizeof(check));
}

#endif
