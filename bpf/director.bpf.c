// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* The fast path: the common case of IPv4 over IPIP. Whatever else is for a VIP goes to the slow path, whole and with no
 * effect left behind; what is for no VIP goes up the stack. */
#include "encapsulate.h"
#include "image.h"
#include "parse.h"
#include "select-real.h"
#include "service-table.h"

static __always_inline void count_refused(void)
{
	__u32 none = 0;
	struct counters *of_slow_path = bpf_map_lookup_elem(&counters, &none);

	if (of_slow_path)
		of_slow_path->connections++;
}

static __always_inline void count(__u32 real, __u32 bytes, int connection)
{
	struct counters *of_real = bpf_map_lookup_elem(&counters, &real);

	if (unlikely(!of_real))
		return;
	of_real->packets++;
	of_real->bytes += bytes;
	if (unlikely(connection))
		of_real->connections++;
}

/* What was handed over in this tick; of no worth to another program, so that no user space has it. */
struct spending {
	__u32 tick;
	__u32 packets;
};

struct spending spendings[3] SEC(".bss.spendings");

/* CPUs may begin a tick at the same time: then it has a few packets more. */
static __always_inline int is_within_budget(enum rarity rarity)
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

static __always_inline int redirect_to_slow_path(struct xdp_md *ctx, enum rarity rarity)
{
	if (!is_within_budget(rarity)) {
		count_refused();
		return XDP_DROP;
	}
	count(0, frame_bytes(ctx), 0);
	if (!settings.slow_path_ifindex)
		return XDP_DROP;
	mark_ingress(ctx);
	return bpf_redirect(settings.slow_path_ifindex, 0);
}

/* Functions of their own: they are rare, and there are many ways to them. */
static __noinline int hand_over(struct xdp_md *ctx)
{
	return redirect_to_slow_path(ctx, RARE_OTHER);
}

static __noinline int hand_over_opening(struct xdp_md *ctx)
{
	return redirect_to_slow_path(ctx, RARE_OPENING);
}

static __noinline int hand_over_neighbour(struct xdp_md *ctx)
{
	return redirect_to_slow_path(ctx, RARE_NEIGHBOUR);
}

static __always_inline int transmit(struct xdp_md *ctx, __u32 ifindex)
{
	return likely(ifindex == ctx->ingress_ifindex) ? XDP_TX : bpf_redirect(ifindex, 0);
}

/* No flow is remembered: the slot alone says where the packet goes. */
static __always_inline int forward_stateless(struct xdp_md *ctx, const struct packet *packet, __u32 index)
{
	const struct real *real = image_real(index);
	__u64 next_hop = real_next_hop(real);

	if (unlikely(!can_send(real, next_hop, packet) || encapsulate(ctx, real, next_hop)))
		return hand_over(ctx);
	count(index, packet->length, opens_flow(packet));
	return transmit(ctx, real->ifindex);
}

/* Parses the packet again, so that the stateless way need not have it in memory for this one to read. */
static __noinline int forward_remembered(struct xdp_md *ctx, const struct service *service, __u32 slot)
{
	struct packet parsed, *packet = &parsed;
	struct choice choice = {};
	const struct real *real;
	__u64 next_hop;
	int remembered;

	if (parse_frame(ctx, packet) || find_flow_set(packet, service->index, &choice.flow))
		return hand_over(ctx);
	choose_remembered(&choice, packet, service, slot);
	if (!choice.real && (opens_flow(packet) || packet->protocol == IPPROTO_UDP))
		return hand_over_opening(ctx);
	real = image_real(choice.real);
	next_hop = real_next_hop(real);
	if (!can_send(real, next_hop, packet) || encapsulate(ctx, real, next_hop))
		return hand_over(ctx);
	remembered = remember(&choice, packet, settings.now);
	count(choice.real, packet->length,
	      opens_flow(packet) || (packet->protocol == IPPROTO_UDP && remembered));
	return transmit(ctx, real->ifindex);
}

/* For a packet to no service. */
static __noinline int pass_or_hand_over(struct xdp_md *ctx, __be32 destination)
{
	return is_vip(destination) ? hand_over(ctx) : XDP_PASS;
}

static __always_inline int handle_ipv4(struct xdp_md *ctx, struct cursor *cursor)
{
	const struct iphdr *ip = parse_ipv4(cursor);
	struct found_service found;
	struct packet packet;
	__u32 slot = 0;

	if (unlikely(!ip))
		return XDP_PASS;
	if (unlikely(parse_common(cursor, ip, &packet)))
		return pass_or_hand_over(ctx, ip->daddr);
	found = find_service(packet.vip, packet.service_port, packet.protocol);
	if (likely(found.kind == SERVICE_HASH))
		slot = hashed_slot(&packet, found.service);
	else if (found.kind == SERVICE_EMPTY)
		return pass_or_hand_over(ctx, packet.vip);
	if (unlikely(!ipv4_checksum_is_right(ip)))
		return hand_over(ctx);
	if (unlikely(found.kind == SERVICE_ROTATION || slot & SLOT_TRACKED))
		return forward_remembered(ctx, found.service, slot);
	return forward_stateless(ctx, &packet, current_real(slot));
}

/* The slow path answers for VIPs; none of them is an address of this host. */
static __always_inline int handle_arp(struct xdp_md *ctx, struct cursor *cursor)
{
	const struct arp_ipv4 *arp = parse_arp(cursor);

	if (!arp || arp->operation != bpf_htons(ARPOP_REQUEST) || !is_vip(arp->target))
		return XDP_PASS;
	return hand_over_neighbour(ctx);
}

SEC("xdp")
int director(struct xdp_md *ctx)
{
	struct cursor cursor = frame_cursor(ctx);
	const struct ethernet *ethernet = parse_ethernet(&cursor);

	if (unlikely(!ethernet))
		return XDP_PASS;
	if (unlikely(ethernet->protocol == bpf_htons(ETH_P_ARP)))
		return handle_arp(ctx, &cursor);
	/* Frames to a group of hosts are none of a router's business, even if the IP address in them is a VIP. */
	if (unlikely(ethernet->protocol != bpf_htons(ETH_P_IP) || ethernet->destination[0] & 1))
		return XDP_PASS;
	return handle_ipv4(ctx, &cursor);
}

char LICENSE[] SEC("license") = "GPL";
