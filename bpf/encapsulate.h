/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Putting the outer header on, and the Ethernet header with or without a tag: one routine, inlined with what is known of
 * the envelope when compiling, so that the common one has no branches for the others. */
#ifndef CULVERT_ENCAPSULATE_H
#define CULVERT_ENCAPSULATE_H

#include "outer-header.h"

/* IPIP between addresses of the packet's family, and no tag. */
#define PLAIN_ENVELOPE(is_ipv6)                                                                  \
	((struct envelope){ .inner_ipv6 = (is_ipv6), .outer_ipv6 = (is_ipv6), .tunnel = TUNNEL_IPIP })

/* Tunnel and overhead are read in one go; the overhead tells the outer header's family. */
static __always_inline int is_plain(const struct real *real, int is_ipv6)
{
	__u32 overhead = is_ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);

	return *(const __u16 *)&real->tunnel == (TUNNEL_IPIP | overhead << 8) && real->vlan == 0;
}

static __always_inline struct envelope envelope_for(const struct real *real, int inner_ipv6, int tag_before)
{
	return (struct envelope){
		.inner_ipv6 = inner_ipv6,
		.outer_ipv6 = !!(READ_ONCE(real->flags) & REAL_OUTER_IPV6),
		.tunnel = READ_ONCE(real->tunnel),
		.tag_before = tag_before,
		.tag_after = !!(READ_ONCE(real->vlan) & REAL_VLAN),
	};
}

static __always_inline void write_link(void *frame, const struct real *real, __u64 next_hop, struct envelope envelope)
{
	const __u64 mac = 0xffffffffffff;
	__u64 source = *(const __u64 *)real->source_mac & mac;
	__be16 *protocol = frame + 2 * ETH_ALEN;

	*(__u64 *)frame = (next_hop & mac) | source << 48;
	*(__u32 *)(frame + 8) = source >> 16;
	if (envelope.tag_after) {
		*protocol++ = bpf_htons(ETH_P_8021Q);
		*protocol++ = bpf_htons(real->vlan & ~REAL_VLAN);
	}
	*protocol = envelope.outer_ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
}

/* Branches on purpose: of an offset that is computed the verifier would not know how much of the packet it leaves. */
static __always_inline void *step_if(int condition, void *at, long bytes)
{
	if (condition) {
		at += bytes;
		ONE_ADDRESS(at);
	}
	return at;
}

static __always_inline void *behind_outer(void *outer, struct envelope envelope)
{
	return step_if(envelope.outer_ipv6, outer + sizeof(struct iphdr), sizeof(struct ipv6hdr) - sizeof(struct iphdr));
}

static __always_inline int envelope_growth(struct envelope envelope)
{
	int bytes = envelope.outer_ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);

	if (envelope.tunnel == TUNNEL_GRE)
		bytes += sizeof(struct gre);
	if (envelope.tunnel == TUNNEL_GUE)
		bytes += sizeof(struct gue);
	if (envelope.tag_after)
		bytes += sizeof(struct vlan_tag);
	return envelope.tag_before ? bytes - (int)sizeof(struct vlan_tag) : bytes;
}

/* All between the outer IP header and the inner one. */
static __always_inline void write_tunnel(void *at, const struct real *real, __u32 hash, struct envelope envelope,
					 struct carried *carried)
{
	if (envelope.tunnel == TUNNEL_GRE) {
		__be16 protocol = envelope.inner_ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);

		*(struct gre *)at = (struct gre){ .protocol = protocol };
		carried->length += sizeof(struct gre);
	} else if (envelope.tunnel == TUNNEL_GUE) {
		carried->length += sizeof(struct gue);
		write_gue(at, real, hash, envelope, carried->length);
	}
}

/* Puts all headers before the packet and cuts off the padding behind it; the inner TTL goes down by one. Reads the inner
 * packet again: what was read of it before would have had to be kept in memory, too. -1 if there is no room, and then
 * nothing was changed.
 * hash: of the packet, as outer_flow_hash() has it; for GUE alone. */
static __always_inline int encapsulate(struct xdp_md *ctx, const struct real *real, __u64 next_hop,
				       __u32 hash, struct envelope envelope)
{
	void *frame, *end, *outer, *inner;
	struct carried carried;
	long padding;

	if (unlikely(bpf_xdp_adjust_head(ctx, -envelope_growth(envelope))))
		return -1;
	frame = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	outer = step_if(envelope.tag_after, frame + ETH_HLEN, sizeof(struct vlan_tag));
	inner = step_if(envelope.tunnel == TUNNEL_GRE, behind_outer(outer, envelope), sizeof(struct gre));
	inner = step_if(envelope.tunnel == TUNNEL_GUE, inner, sizeof(struct gue));
	if (unlikely(inner + (envelope.inner_ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) > end))
		return -1;
	carried = envelope.inner_ipv6 ? carry_ipv6(inner) : carry_ipv4(inner);
	padding = end - inner - carried.length;
	write_tunnel(behind_outer(outer, envelope), real, hash, envelope, &carried);
	if (envelope.outer_ipv6)
		write_outer_ipv6(outer, real, carried, outer_protocol(envelope));
	else
		write_outer_ipv4(outer, real, carried, outer_protocol(envelope));
	write_link(frame, real, next_hop, envelope);
	if (unlikely(padding > 0))
		bpf_xdp_adjust_tail(ctx, -(int)padding);
	return 0;
}

#endif
