// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* The fast path: the common case of IPv4 over IPIP. Whatever else is for a VIP goes to the slow path, whole and with no
 * effect left behind; what is for no VIP goes up the stack. */
#include "encapsulate.h"
#include "image.h"
#include "parse.h"
#include "select-real.h"
#include "service-table.h"

static __always_inline void count(__u32 real, __u32 bytes, int connection)
{
	struct counters *of_real = bpf_map_lookup_elem(&counters, &real);

	if (!of_real)
		return;
	of_real->packets++;
	of_real->bytes += bytes;
	of_real->connections += connection;
}

static __always_inline int hand_over(struct xdp_md *ctx)
{
	const struct settings *settings = image_settings();

	count(0, frame_bytes(ctx), 0);
	if (!settings || !settings->slow_path_ifindex)
		return XDP_DROP;
	return bpf_redirect(settings->slow_path_ifindex, 0);
}

static __always_inline int transmit(struct xdp_md *ctx, __u32 ifindex)
{
	return ifindex == ctx->ingress_ifindex ? XDP_TX : bpf_redirect(ifindex, 0);
}

/* No flow is remembered: the slot alone says where the packet goes. */
static __always_inline int forward_stateless(struct xdp_md *ctx, const struct packet *packet, __u32 index,
					     struct settings *settings)
{
	const struct real *real = image_real(index);

	if (!real || !can_send(real, packet) || make_room(ctx, packet))
		return hand_over(ctx);
	if (encapsulate(ctx, packet, real, settings))
		return XDP_DROP;
	count(index, packet->length, opens_flow(packet));
	return transmit(ctx, real->ifindex);
}

/* Apart from the stateless way, which needs none of its registers. */
static __noinline int forward_remembered(struct xdp_md *ctx, const struct packet *packet,
					 const struct service *service, __u32 slot)
{
	struct settings *settings = image_settings();
	struct choice choice = {};
	const struct real *real;
	int remembered;

	if (!settings || find_flow_set(packet, service->index, settings, &choice.flow))
		return hand_over(ctx);
	choose_remembered(&choice, packet, service, slot);
	real = image_real(choice.real);
	if (!real || !can_send(real, packet) || make_room(ctx, packet))
		return hand_over(ctx);
	remembered = remember(&choice, packet, settings->now);
	if (encapsulate(ctx, packet, real, settings))
		return XDP_DROP;
	count(choice.real, packet->length,
	      opens_flow(packet) || (packet->protocol == IPPROTO_UDP && remembered));
	return transmit(ctx, real->ifindex);
}

static __always_inline int forward(struct xdp_md *ctx, const struct packet *packet, const struct service *service)
{
	struct settings *settings = image_settings();
	__u32 slot = 0;

	if (!settings)
		return XDP_DROP;
	if (service->kind == SERVICE_HASH) {
		slot = hashed_slot(packet, service, settings);
		if (!(slot & SLOT_TRACKED))
			return forward_stateless(ctx, packet, current_real(slot), settings);
	}
	return forward_remembered(ctx, packet, service, slot);
}

static __always_inline int handle_ipv4(struct xdp_md *ctx, struct cursor *cursor)
{
	const struct iphdr *ip = parse_ipv4(cursor);
	const struct service *service;
	struct packet packet;

	if (!ip)
		return XDP_PASS;
	if (parse_common(cursor, ip, &packet))
		return is_vip(ip->daddr) ? hand_over(ctx) : XDP_PASS;
	service = find_service(packet.vip, packet.service_port, packet.protocol);
	if (!service)
		return is_vip(packet.vip) ? hand_over(ctx) : XDP_PASS;
	if (sum_ipv4_header(ip) != 0xffff)
		return hand_over(ctx);
	return forward(ctx, &packet, service);
}

/* The slow path answers for VIPs; none of them is an address of this host. */
static __always_inline int handle_arp(struct xdp_md *ctx, struct cursor *cursor)
{
	const struct arp_ipv4 *arp = parse_arp(cursor);

	if (!arp || arp->operation != bpf_htons(ARPOP_REQUEST) || !is_vip(arp->target))
		return XDP_PASS;
	return hand_over(ctx);
}

SEC("xdp")
int director(struct xdp_md *ctx)
{
	struct cursor cursor = { .at = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };
	const struct ethhdr *ethernet = parse_ethernet(&cursor);

	if (!ethernet)
		return XDP_PASS;
	if (ethernet->h_proto == bpf_htons(ETH_P_ARP))
		return handle_arp(ctx, &cursor);
	/* Frames to a group of hosts are none of a router's business, even if the IP address in them is a VIP. */
	if (ethernet->h_proto != bpf_htons(ETH_P_IP) || ethernet->h_dest[0] & 1)
		return XDP_PASS;
	return handle_ipv4(ctx, &cursor);
}

char LICENSE[] SEC("license") = "GPL";
