/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The flow memory, by the rules that src/forwarding/image/flow-table.ts states; both write it at the same time. */
#ifndef CULVERT_FLOW_TABLE_H
#define CULVERT_FLOW_TABLE_H

#include "flow-hash.h"
#include "image.h"
#include "packet.h"

#define SERVICE_STEP 0x9e3779b1u
#define PORT_STEP 0x85ebca6bu

/* Where a flow's entry is or would be. */
struct flow_key {
	struct flow_set *set;
	__u64 key;
	__u32 number;            /* of the set */
	__u32 tag;
};

/* An entry as it was read: a later compare-and-swap expects `value`. */
struct flow_hit {
	struct flow *entry;
	__u64 value;
	__u32 way;
};

static __always_inline __u32 flow_real(__u64 value)
{
	return (__u16)value;
}

static __always_inline __u32 flow_state(__u64 value)
{
	return (__u8)(value >> 16);
}

static __always_inline __u32 flow_tag(__u64 value)
{
	return (__u8)(value >> 24);
}

static __always_inline __u64 pack_flow(__u32 tag, __u32 state, __u32 real, __u32 now)
{
	return (__u64)now << 32 | tag << 24 | state << 16 | real;
}

/* Persistence templates are the slow path's alone. */
static __always_inline int is_template(__u64 value)
{
	return flow_state(value) == FLOW_TEMPLATE || flow_state(value) == FLOW_TEMPLATE_ASSURED;
}

/* What an entry in a state adds to its real's word of `flow_counts`. */
static __always_inline __u64 flow_weight(__u32 state)
{
	if (state == FLOW_NONE || state == FLOW_TEMPLATE || state == FLOW_TEMPLATE_ASSURED)
		return 0;
	return FLOW_ACTIVE_STATES >> (state & 31) & 1 ? 1ull << 32 : 1;
}

static __always_inline void count_flows(__u32 real, __u64 difference)
{
	__sync_fetch_and_add(&flow_counts[real % REALS], difference);
}

/* State in which a packet's flow is first remembered; FLOW_NONE for a RST, which is not worth an entry. */
static __always_inline __u32 first_flow_state(const struct packet *packet)
{
	if (packet->protocol == IPPROTO_UDP)
		return FLOW_UDP;
	if (packet->tcp_flags & TCP_RST)
		return FLOW_NONE;
	if (packet->tcp_flags & TCP_SYN)
		return FLOW_SYN_RECV;
	return packet->tcp_flags & TCP_FIN ? FLOW_FIN_WAIT : FLOW_ESTABLISHED;
}

/* State of a remembered flow after a further packet, as IPVS sees it from the client's side. */
static __always_inline __u32 next_flow_state(__u32 state, const struct packet *packet)
{
	if (packet->protocol == IPPROTO_UDP)
		return FLOW_UDP;
	if (packet->tcp_flags & TCP_RST)
		return FLOW_CLOSE;
	if (packet->tcp_flags & TCP_SYN)
		return state == FLOW_ESTABLISHED ? state : FLOW_SYN_RECV;
	if (packet->tcp_flags & TCP_FIN && state == FLOW_SYN_RECV)
		return FLOW_TIME_WAIT;
	if (packet->tcp_flags & TCP_FIN && state == FLOW_ESTABLISHED)
		return FLOW_FIN_WAIT;
	return packet->tcp_flags & TCP_ACK && state == FLOW_SYN_RECV ? FLOW_ESTABLISHED : state;
}

static __always_inline int find_flow_set(const struct packet *packet, __u32 service_index,
					 struct flow_key *flow)
{
	__u32 client = packet->client_word, port = bpf_ntohs(packet->client_port);
	__u32 of_service = service_index * SERVICE_STEP + bpf_ntohs(packet->service_port) * PORT_STEP;
	__u32 hash = flow_hash(client, port, settings.hash_key) + of_service;

	flow->key = (__u64)client << 32 | port << 16 | service_index;
	flow->number = hash & settings.flow_set_mask;
	flow->tag = hash >> 24;
	flow->set = bpf_map_lookup_elem(&flows, &flow->number);
	return flow->set ? 0 : -1;
}

/* A value is read before its key; should another writer come between, the tag tells. */
static __always_inline struct flow_hit find_flow(const struct flow_key *flow)
{
	struct flow_hit hit = {};

	for (int way = 0; way < FLOW_WAYS; way++) {
		struct flow *entry = &flow->set->way[way];
		__u64 value = READ_ONCE(entry->value);

		if (value <= FLOW_BUSY || READ_ONCE(entry->key) != flow->key || flow_tag(value) != flow->tag)
			continue;
		/* A client's own port may be 0 as well. */
		if (unlikely(is_template(value)))
			continue;
		hit.entry = entry;
		hit.value = value;
		hit.way = way;
		break;
	}
	return hit;
}

/* If another CPU was quicker its value stands: it is as new, and the flow's next packet comes soon. */
static __always_inline int exchange_flow(const struct flow_hit *hit, __u64 value)
{
	return __sync_val_compare_and_swap(&hit->entry->value, hit->value, value) == hit->value;
}

/* Writes only when the tick or the state is new, so that a busy flow's line stays shared between CPUs. 1 if the flow was
 * half-open, so that its client may not have been noted. */
static __always_inline int touch_flow(const struct flow_hit *hit, const struct packet *packet, __u32 now)
{
	__u32 before = flow_state(hit->value), state = next_flow_state(before, packet);
	__u64 value = pack_flow(flow_tag(hit->value), state, flow_real(hit->value), now), difference;

	if (value == hit->value || !exchange_flow(hit, value))
		return 0;
	difference = flow_weight(state) - flow_weight(before);
	if (unlikely(difference))
		count_flows(flow_real(hit->value), difference);
	return before == FLOW_SYN_RECV;
}

/* Gives a flow's entry to another real. */
static __always_inline int replace_flow(const struct flow_hit *hit, __u32 state, __u32 real, __u32 now)
{
	if (!exchange_flow(hit, pack_flow(flow_tag(hit->value), state, real, now)))
		return 0;
	count_flows(flow_real(hit->value), -flow_weight(flow_state(hit->value)));
	count_flows(real, flow_weight(state));
	return 1;
}

static __always_inline __u32 eviction_limit(__u32 newcomer)
{
	return FLOW_LIMITS >> (4 * newcomer & 63) & 0xf;
}

static __always_inline __u32 eviction_cost(__u32 victim, __s32 idle, __u32 newcomer)
{
	if (victim == FLOW_FIN_WAIT && idle >= FLOW_SPENT_TICKS)
		victim = FLOW_TIME_WAIT;
	if (victim == newcomer && eviction_limit(newcomer) == 2)
		return 1;
	return FLOW_COSTS >> (4 * victim & 63) & 0xf;
}

/* The entry that makes way for a flow in `state`: a free one, else the cheapest, among those the oldest; or none. */
static __always_inline struct flow_hit find_way(struct flow_set *set, __u32 state, __u32 now)
{
	__u32 best_cost = eviction_limit(state) + 1;
	__s32 best_idle = 0; /* signed: the slow path's clock may be ahead, and such an entry is no old one */
	struct flow_hit best = {};

	for (int way = 0; way < FLOW_WAYS; way++) {
		struct flow *entry = &set->way[way];
		__u64 value = READ_ONCE(entry->value);
		__s32 idle = now - (__u32)(value >> 32);
		__u32 cost;

		if (value == 0) {
			best.entry = entry;
			best.value = 0;
			best.way = way;
			break;
		}
		cost = eviction_cost(flow_state(value), idle, state);
		if (value == FLOW_BUSY || cost > best_cost)
			continue;
		if (cost < best_cost || (best.entry && idle > best_idle)) {
			best.entry = entry;
			best.value = value;
			best.way = way;
			best_cost = cost;
			best_idle = idle;
		}
	}
	return best;
}

/* Remembers a flow that was not found, and says where; 0 when nothing in its set may make way. */
static __always_inline int insert_flow(const struct flow_key *flow, __u32 state, __u32 real, __u32 now,
				       struct flow_hit *way)
{
	for (int attempt = 0; attempt < FLOW_WAYS; attempt++) {
		*way = find_way(flow->set, state, now);
		if (!way->entry)
			return 0;
		if (!exchange_flow(way, FLOW_BUSY))
			continue;
		if (way->value)
			count_flows(flow_real(way->value), -flow_weight(flow_state(way->value)));
		count_flows(real, flow_weight(state));
		/* The entry is this CPU's until its value is no longer FLOW_BUSY: no exchange is needed. x86 shows the stores in
		 * this order; should another CPU see the value first, its tag does not go with the former key. */
		*(volatile __u64 *)&way->entry->key = flow->key;
		*(volatile __u64 *)&way->entry->value = pack_flow(flow->tag, state, real, now);
		return 1;
	}
	return 0;
}

/* Notes the address of an IPv6 client, when the packet has its outer headers. Who reads it holds it against the key's client
 * word, so that its order with the key does not matter.
 * set: number of the flow's; inner: bytes before the packet */
__noinline int note_client(struct xdp_md *ctx, __u32 set, __u32 way, __u32 inner)
{
	struct flow_clients *clients = bpf_map_lookup_elem(&flow_clients, &set);
	const struct ipv6hdr *ip = (void *)(long)ctx->data + (inner & 0xff);
	struct address client;
	__u64 *half;

	if (!clients || (void *)(ip + 1) > (void *)(long)ctx->data_end)
		return -1;
	client = ipv6_address(&ip->saddr);
	half = (__u64 *)clients->way[way % FLOW_WAYS].address;
	half[0] = client.half[0];
	half[1] = client.half[1];
	return 0;
}

#endif
