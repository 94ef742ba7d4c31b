/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Handing a frame to the slow path, whole, within the budget of its kind and the share of its service or VIP. */
#ifndef CULVERT_HAND_OVER_H
#define CULVERT_HAND_OVER_H

#include "image.h"
#include "parse.h"

/* What a frame is handed over as: enum rarity | share << 8. */
#define RARITY_BITS 8

/* Of a service, by its index. */
static __always_inline __u32 as_of_service(__u32 rarity, __u32 index)
{
	return rarity | index % SERVICES << RARITY_BITS;
}

/* Of a VIP whose service is not known, by its bucket in the service table. */
static __always_inline __u32 as_of_vip(__u32 rarity, __u32 bucket)
{
	return rarity | (SERVICES + bucket % SERVICES) << RARITY_BITS;
}

/* Counts the packet even where it is refused: the control plane sees what was asked for. CPUs may begin an epoch at the same
 * time: then it has a few packets more. limit: 0: any number. */
static __always_inline int spend(struct spending *spending, __u32 limit)
{
	__u32 epoch = READ_ONCE(hand_over.epoch);

	if (READ_ONCE(spending->epoch) != epoch) {
		spending->epoch = epoch;
		spending->packets = 0;
	}
	return !limit || __sync_fetch_and_add(&spending->packets, 1) < limit;
}

static __always_inline struct spending *share_of(__u32 rarity, __u32 share)
{
	__u64 number = rarity * SHARES + share;

	/* The verifier of 6.1 loses the bounds of the sum; the compiler knows them and would leave the mask out. */
	asm volatile("" : "+r"(number));
	return &hand_over.shares[number & (ALL_SHARES - 1)];
}

/* The share first: what a service asks for beyond it takes nothing from the others. */
static __always_inline int is_within_budget(__u32 rarity, __u32 share)
{
	__u32 budget = settings.budget[rarity];

	return spend(share_of(rarity, share % SHARES), READ_ONCE(hand_over.level[rarity])) &&
	       spend(&hand_over.total[rarity], budget ? budget + budget / 2 : 0);
}

/* The slow path replies to frames out of the interface that they came in by. It has no use for their destination but for
 * the group bit, so that the interface is written over the rest of it (src/dataplane/xdp/tap/ingress-mark.ts). */
static __always_inline void mark_ingress(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;

	if (frame + ETH_HLEN <= (void *)(long)ctx->data_end)
		*(__u32 *)(frame + 2) = ctx->ingress_ifindex;
}

/* A function of its own: it is rare, and there are many ways to it.
 * what: as_of_service() or as_of_vip() */
__noinline int hand_over_as(struct xdp_md *ctx, __u32 what)
{
	__u32 none = 0, rarity = what & ((1 << RARITY_BITS) - 1), ifindex;
	struct counters *of_slow_path = bpf_map_lookup_elem(&counters, &none);

	if (!of_slow_path || rarity >= RARITIES)
		return XDP_DROP;
	if (!is_within_budget(rarity, what >> RARITY_BITS)) {
		of_slow_path->connections++;
		return XDP_DROP;
	}
	ifindex = rarity == RARE_ANSWER ? hand_over.answers_ifindex : settings.slow_path_ifindex;
	if (rarity != RARE_ANSWER) {
		of_slow_path->packets++;
		of_slow_path->bytes += frame_bytes(ctx);
	}
	if (!ifindex)
		return XDP_DROP;
	mark_ingress(ctx);
	return bpf_redirect(ifindex, 0);
}

#endif
