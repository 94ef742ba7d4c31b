// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* The fast path: the common case (packet.h). Whatever else is for a VIP goes to the slow path, whole and with no
 * effect left behind; what is for no VIP goes up the stack. */
#include "check-answers.h"
#include "encapsulate.h"
#ifdef FINISHES_CHECKSUMS
#include "finish-checksum.h"
#endif
#include "for-vip.h"
#include "hand-over.h"
#include "image.h"
#include "no-client.h"
#include "packet.h"
#include "select-real.h"
#include "service-table.h"

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

/* ifindex: of struct real; with REAL_REDIRECT it equals no interface's. */
static __always_inline int transmit(struct xdp_md *ctx, __u32 ifindex)
{
	return likely(ifindex == ctx->ingress_ifindex) ? XDP_TX : bpf_redirect(ifindex & ~REAL_REDIRECT, 0);
}

/* Through any tunnel, and with tags. To the verifier a function apart, called with numbers alone: packets in its callers'
 * memory would take too much stack. */
__noinline int encapsulate_any(struct xdp_md *ctx, __u32 index, __u64 next_hop, __u32 hash, __u32 inner)
{
	const struct real *real = image_real(index);

	return encapsulate(ctx, real, next_hop, hash, envelope_for(real, inner & INNER_IPV6, inner & INNER_TAGGED));
}

static __always_inline int encapsulate_parsed(struct xdp_md *ctx, __u32 index, __u64 next_hop,
					      const struct packet *packet)
{
	const struct real *real = image_real(index);

	if (likely(!packet->is_tagged && is_plain(real, packet->is_ipv6)))
		return encapsulate(ctx, real, next_hop, 0, PLAIN_ENVELOPE(packet->is_ipv6));
	return encapsulate_any(ctx, index, next_hop, outer_flow_hash(packet), inner_kind(packet));
}

/* To a real that is chosen, and that need not be plain, nor another host. */
__noinline int forward_through(struct xdp_md *ctx, __u32 index)
{
	const struct real *real = image_real(index);
	__u64 next_hop = real_next_hop(real);
	struct packet packet;

	if (parse_frame(ctx, &packet))
		return hand_over_as(ctx, as_of_service(RARE_OTHER, real->service_index));
	if (!is_local(next_hop) &&
	    (!can_send(real, next_hop, &packet) ||
	     encapsulate_any(ctx, index, next_hop, outer_flow_hash(&packet), inner_kind(&packet))))
		return hand_over_as(ctx, as_of_service(RARE_OTHER, real->service_index));
	count(index, packet.length, opens_flow(&packet));
	return is_local(next_hop) ? XDP_PASS : transmit(ctx, real->ifindex);
}

/* No flow is remembered: the slot alone says where the packet goes. */
static __always_inline int forward_stateless(struct xdp_md *ctx, const struct packet *packet, __u32 index)
{
	const struct real *real = image_real(index);
	__u64 next_hop = real_next_hop(real);

	if (unlikely(packet->is_tagged || !is_plain(real, packet->is_ipv6) || !can_send(real, next_hop, packet)))
		return forward_through(ctx, index);
	if (unlikely(encapsulate(ctx, real, next_hop, 0, PLAIN_ENVELOPE(packet->is_ipv6))))
		return hand_over_as(ctx, as_of_service(RARE_OTHER, real->service_index));
	count(index, packet->length, opens_flow(packet));
	return transmit(ctx, real->ifindex);
}

/* Bytes before the packet as it came. */
static __always_inline __u32 link_bytes(const struct packet *packet)
{
	return ETH_HLEN + (packet->is_tagged ? sizeof(struct vlan_tag) : 0);
}

/* Bytes before the packet once it is encapsulated. */
static __always_inline __u32 inner_offset(const struct real *real)
{
	return ETH_HLEN + real->overhead + (real->vlan & REAL_VLAN ? sizeof(struct vlan_tag) : 0);
}

/* For services and slots whose flows are remembered: any packet, to any real. */
__noinline int forward_remembered(struct xdp_md *ctx, __u64 place, __u64 ends, __u64 rest)
{
	const struct packet packet = unpack_packet(ends, rest);
	const struct service *service = service_at(place);
	struct choice choice = {};
	const struct real *real;
	__u64 next_hop;
	int remembered;

	if (find_flow_set(&packet, service->index, &choice.flow))
		return hand_over_as(ctx, as_of_service(RARE_OTHER, service->index));
	choose_remembered(&choice, &packet, service, place >> 32);
	if (!choice.real && (opens_flow(&packet) || packet.protocol == IPPROTO_UDP))
		return hand_over_as(ctx, as_of_service(RARE_OPENING, service->index));
	real = image_real(choice.real);
	next_hop = real_next_hop(real);
	if (!is_local(next_hop) &&
	    (!can_send(real, next_hop, &packet) || encapsulate_parsed(ctx, choice.real, next_hop, &packet)))
		return hand_over_as(ctx, as_of_service(RARE_OTHER, service->index));
	remembered = remember(&choice, &packet, settings.now);
	if (packet.is_ipv6 && choice.notes_client)
		note_client(ctx, flow_set_number(&choice.flow, choice.hit.way), choice.hit.way,
			    is_local(next_hop) ? link_bytes(&packet) : inner_offset(real));
	count(choice.real, packet.length,
	      opens_flow(&packet) || (packet.protocol == IPPROTO_UDP && remembered));
	return is_local(next_hop) ? XDP_PASS : transmit(ctx, real->ifindex);
}

/* The common case of it, without a call: a further packet of a flow, in its own set and to a plain real. */
static __always_inline int forward_known(struct xdp_md *ctx, const struct packet *packet, __u32 bucket, __u32 slot)
{
	struct packed_packet packed = pack_packet(packet);
	const struct real *real;
	struct flow_key flow;
	struct flow_hit hit;
	__u64 next_hop;

	if (packet->is_tagged && !has_tag(ctx))
		packed.rest &= ~((__u64)INNER_TAGGED << 48);
	if (opens_flow(packet) || packet->is_tagged || find_flow_set(packet, service_at(bucket)->index, &flow))
		goto uncommon;
	hit = find_flow_in(flow.set, &flow);
	real = image_real(flow_real(hit.value));
	next_hop = real_next_hop(real);
	if (!hit.entry || !is_plain(real, packet->is_ipv6) || !can_send(real, next_hop, packet))
		goto uncommon;
	if (unlikely(encapsulate(ctx, real, next_hop, 0, PLAIN_ENVELOPE(packet->is_ipv6))))
		return hand_over_as(ctx, as_of_service(RARE_OTHER, real->service_index));
	if (touch_flow(&hit, packet, settings.now) && packet->is_ipv6)
		note_client(ctx, flow_set_number(&flow, hit.way), hit.way, inner_offset(real));
	count(flow_real(hit.value), packet->length, 0);
	return transmit(ctx, real->ifindex);
uncommon:
	return forward_remembered(ctx, bucket | (__u64)slot << 32, packed.ends, packed.rest);
}

/* Each packet is a flow of its own. */
__noinline int forward_by_turn(struct xdp_md *ctx, __u32 bucket)
{
	struct packet packet;

	if (parse_frame(ctx, &packet))
		return hand_over_as(ctx, as_of_service(RARE_OTHER, service_at(bucket)->index));
	return forward_through(ctx, choose_by_turn(service_at(bucket), &packet));
}

__noinline int pass_or_hand_over(struct xdp_md *ctx)
{
	int what = rarity_for_vip(ctx);

	if (what >= 0)
		return hand_over_as(ctx, what);
	if (what == UNANSWERED)
		return XDP_DROP;
	return is_check_answer(ctx) ? hand_over_as(ctx, RARE_ANSWER) : XDP_PASS;
}

static __always_inline int forward_without_hash(struct xdp_md *ctx, const struct packet *packet,
						__u32 bucket, __u32 kind)
{
	switch (kind) {
	case SERVICE_EMPTY:
		return pass_or_hand_over(ctx);
	case SERVICE_ROTATION:
	case SERVICE_DELEGATED:
		return forward_known(ctx, packet, bucket, 0);
	case SERVICE_TURNS:
		return forward_by_turn(ctx, bucket);
	default:
		return hand_over_as(ctx, as_of_service(RARE_OTHER, service_at(bucket)->index));
	}
}

/* Begins anew with a frame that has a tag, or whose source may be listed: so the common case keeps nothing for a call. */
int handle_carefully(struct xdp_md *ctx);

/* The cursor stands before the IP header. is_careful: called by handle_carefully(). */
static __always_inline int handle_ip(struct xdp_md *ctx, struct cursor *cursor, int is_ipv6, int is_careful)
{
	struct packet packet = { .is_tagged = is_careful };
	const void *ip = cursor->at;
	struct found_service found;
	__u32 slot;

	if (unlikely(parse_packet(cursor, is_ipv6, &packet)))
		return pass_or_hand_over(ctx);
	packet.client_word = read_client_word(ip, is_ipv6);
	if (is_careful && may_be_listed(packet.client_word) && is_listed(packet.client_word))
		return pass_or_hand_over(ctx);
	found = find_service(&packet);
	if (unlikely(is_special(ip, is_ipv6, packet.client_word)))
		return pass_or_hand_over(ctx);
	if (!is_careful && unlikely(may_be_listed(packet.client_word)))
		return handle_carefully(ctx);
	if (!is_ipv6 && unlikely(found.kind != SERVICE_EMPTY && !ipv4_checksum_is_right(ip)))
		return hand_over_as(ctx, as_of_service(RARE_OTHER, service_at(found.bucket)->index));
#ifdef FINISHES_CHECKSUMS
	if (found.kind != SERVICE_EMPTY)
		finish_checksum(ctx);
#endif
	if (unlikely(found.kind != SERVICE_HASH))
		return forward_without_hash(ctx, &packet, found.bucket, found.kind);
	slot = hashed_slot(&packet, service_at(found.bucket));
	if (unlikely(slot & SLOT_TRACKED))
		return forward_known(ctx, &packet, found.bucket, slot);
	return forward_stateless(ctx, &packet, current_real(slot));
}

__noinline int handle_carefully(struct xdp_md *ctx)
{
	struct cursor cursor = frame_cursor(ctx);
	const struct ethernet *ethernet;
	__be16 protocol = parse_link(&cursor, &ethernet);

	if (protocol != bpf_htons(ETH_P_IP) && protocol != bpf_htons(ETH_P_IPV6))
		return pass_or_hand_over(ctx);
	if (is_to_group(ethernet))
		return pass_or_hand_over(ctx);
	return handle_ip(ctx, &cursor, protocol == bpf_htons(ETH_P_IPV6), 1);
}

SEC("xdp")
int director(struct xdp_md *ctx)
{
	struct cursor cursor = frame_cursor(ctx);
	const struct ethernet *ethernet = parse_ethernet(&cursor);

	if (unlikely(!ethernet))
		return XDP_PASS;
	if (unlikely(ethernet->protocol == bpf_htons(ETH_P_8021Q)))
		return handle_carefully(ctx);
	if (unlikely(is_to_group(ethernet)))
		return pass_or_hand_over(ctx);
	if (likely(ethernet->protocol == bpf_htons(ETH_P_IP)))
		return handle_ip(ctx, &cursor, 0, 0);
	if (ethernet->protocol == bpf_htons(ETH_P_IPV6))
		return handle_ip(ctx, &cursor, 1, 0);
	return pass_or_hand_over(ctx);
}

char LICENSE[] SEC("license") = "GPL";
