// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* Takes the outer header off tunnel packets for this host's VIPs, in place of the kernel's ipip.
 * src/realserver/program.ts mirrors the maps. */
#include "decapsulate.h"

enum count {
	COUNT_DECAPSULATED = 0,
	COUNT_FRAGMENT = 1,          /* an outer fragment passed on as a fragment of the inner packet */
	COUNT_JOINED = 2,            /* outer fragments that came in the wrong order, put together */
	COUNT_REFUSED_SOURCE = 3,    /* for a VIP, but not from a director: dropped */
	COUNT_OTHER_DESTINATION = 4, /* a tunnel packet, but for no VIP: left to the stack */
	COUNT_MALFORMED = 5,
	COUNT_CONGESTION = 6,        /* dropped as RFC 6040 asks */
	COUNT_FRAGMENT_LOST = 7,     /* an outer fragment whose others did not come, or not in a usable way */
	COUNTS = 8,
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, __u32);
} vips SEC(".maps");

/* Whose tunnel packets are accepted; the key 0 stands for anyone. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, __u32);
} directors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline int counted(enum count reason, int verdict)
{
	__u32 key = reason;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	if (count)
		*count += 1;
	return verdict;
}

static __always_inline int is_vip(__be32 address)
{
	return bpf_map_lookup_elem(&vips, &address) != NULL;
}

static __always_inline int is_director(__be32 address)
{
	__be32 anyone = 0;

	return bpf_map_lookup_elem(&directors, &address) || bpf_map_lookup_elem(&directors, &anyone);
}

/* Moves the start of the frame by `bytes` and puts its Ethernet header there. */
static __always_inline int move_head(struct xdp_md *ctx, int bytes)
{
	struct ethhdr eth;

	if (bpf_xdp_load_bytes(ctx, 0, &eth, sizeof(eth)) || bpf_xdp_adjust_head(ctx, bytes))
		return -1;
	return bpf_xdp_store_bytes(ctx, 0, &eth, sizeof(eth));
}

#include "outer-fragments.h"

static __always_inline int decapsulate(struct xdp_md *ctx, const struct outer *outer)
{
	void *end = (void *)(long)ctx->data_end;
	__u32 at = ETH_HLEN + outer->header_bytes;
	struct iphdr *inner = (void *)(long)ctx->data + at;
	int tos;

	if ((void *)(inner + 1) > end || outer->payload_bytes < sizeof(*inner))
		return XDP_PASS;
	if (!is_vip(inner->daddr))
		return counted(COUNT_OTHER_DESTINATION, XDP_PASS);
	if (!is_director(outer->source))
		return counted(COUNT_REFUSED_SOURCE, XDP_DROP);
	if (inner->version != 4 || inner->ihl < 5 || bpf_ntohs(inner->tot_len) < inner->ihl * 4 ||
	    bpf_ntohs(inner->tot_len) > outer->payload_bytes)
		return counted(COUNT_MALFORMED, XDP_DROP);
	tos = decapsulated_tos(outer->tos, inner->tos);
	if (tos < 0)
		return counted(COUNT_CONGESTION, XDP_DROP);
	if (tos != inner->tos)
		set_tos(inner, tos);
	if (move_head(ctx, outer->header_bytes))
		return counted(COUNT_MALFORMED, XDP_DROP);
	return counted(COUNT_DECAPSULATED, XDP_PASS);
}

/* Multi-buffer frames are welcome: drivers refuse other programs on links with jumbo frames. */
SEC("xdp.frags")
int culvert_realserver(struct xdp_md *ctx)
{
	struct outer outer;

	if (parse_outer(ctx, &outer))
		return XDP_PASS;
	if (outer.offset == 0 && !outer.more)
		return decapsulate(ctx, &outer);
	return outer.offset == 0 ? first_fragment(ctx, &outer) : later_fragment(ctx, &outer);
}

char LICENSE[] SEC("license") = "GPL";
