/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Handing a frame to the slow path, whole, within the budget of its kind. */
#ifndef CULVERT_HAND_OVER_H
#define CULVERT_HAND_OVER_H

#include "image.h"
#include "parse.h"

#define RARITIES 3 /* in enum rarity */

/* What was handed over in this tick; of no worth to another program, so that no user space has it. */
struct spending {
	__u32 tick;
	__u32 packets;
};

struct spending spendings[RARITIES] SEC(".bss.spendings");

/* CPUs may begin a tick at the same time: then it has a few packets more. */
static __always_inline int is_within_budget(__u32 rarity)
{
	struct spending *spending = &spendings[rarity];
	__u32 budget = settings.budget[rarity], now = settings.now;

	if (READ_ONCE(spending->tick) != now) {
		spending->tick = now;
		spending->packets = 0;
	}
	return !budget || __sync_fetch_and_add(&spending->packets, 1) < budget;
}

/* The slow path replies to frames out of the interface that they came in by. It has no use for their destination but for
 * the group bit, so that the interface is written over the rest of it (src/dataplane/xdp/ingress-mark.ts). */
static __always_inline void mark_ingress(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;

	if (frame + ETH_HLEN <= (void *)(long)ctx->data_end)
		*(__u32 *)(frame + 2) = ctx->ingress_ifindex;
}

/* A function of its own: it is rare, and there are many ways to it.
 * rarity: enum rarity */
__noinline int hand_over_as(struct xdp_md *ctx, __u32 rarity)
{
	__u32 none = 0;
	struct counters *of_slow_path = bpf_map_lookup_elem(&counters, &none);

	if (!of_slow_path || rarity >= RARITIES)
		return XDP_DROP;
	if (!is_within_budget(rarity)) {
		of_slow_path->connections++;
		return XDP_DROP;
	}
	of_slow_path->packets++;
	of_slow_path->bytes += frame_bytes(ctx);
	if (!settings.slow_path_ifindex)
		return XDP_DROP;
	mark_ingress(ctx);
	return bpf_redirect(settings.slow_path_ifindex, 0);
}

static __always_inline int hand_over(struct xdp_md *ctx)
{
	return hand_over_as(ctx, RARE_OTHER);
}

#endif
