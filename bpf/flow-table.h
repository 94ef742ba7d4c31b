/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The flow memory, by the rules that src/forwarding/image/flows/flow-table.ts states; both write it at the same time. */
#ifndef CULVERT_FLOW_TABLE_H
#define CULVERT_FLOW_TABLE_H

#include "flow-hash.h"
#include "image.h"
#include "packet.h"

#define SERVICE_STEP 0x9e3779b1u
#define PORT_STEP 0x85ebca6bu

/* Where a flow's entry is or would be: in its own set, or where that has no room in the neighbour. */
struct flow_key {
	struct flow_set *set;    /* its own */
	__u64 key;
	__u32 hash;
};

/* An entry as it was read: a later compare-and-swap expects `value`. */
struct flow_hit {
	struct flow *entry;
	__u64 value;
	__u32 way;               /* from FLOW_WAYS on it is one of the neighbour */
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

static __always_inline struct flow_set *flow_set_at(__u32 number)
{
	return bpf_map_lookup_elem(&flows, &number);
}

static __always_inline int find_flow_set(const struct packet *packet, __u32 service_index,
					 struct flow_key *flow)
{
	__u32 client = packet->client_word, port = bpf_ntohs(packet->client_port);
	__u32 of_service = service_index * SERVICE_STEP + bpf_ntohs(packet->service_port) * PORT_STEP;
	__u32 hash = flow_hash(client, port, settings.hash_key) + of_service;

	flow->key = (__u64)client << 32 | port << 16 | service_index;
	flow->hash = hash;
	flow->set = flow_set_at(hash & settings.flow_set_mask);
	return flow->set ? 0 : -1;
}

/* The number of the set that an entry is in. */
static __always_inline __u32 flow_set_number(const struct flow_key *flow, __u32 way)
{
	return (flow->hash ^ (way >= FLOW_WAYS)) & settings.flow_set_mask;
}

/* The set beside a flow's own: of the same 128 bytes, which processors tend to fetch together. */
static __always_inline struct flow_set *flow_neighbour(const struct flow_key *flow)
{
	return flow_set_at(flow_set_number(flow, FLOW_WAYS));
}

/* A value is read before its key; should another writer come between, the tag tells. */
static __always_inline struct flow_hit find_flow_in(struct flow_set *set, const struct flow_key *flow)
{
	struct flow_hit hit = {};

	for (int way = 0; way < FLOW_WAYS; way++) {
		struct flow *entry = &set->way[way];
		__u64 value = READ_ONCE(entry->value);

		if (value <= FLOW_BUSY || READ_ONCE(entry->key) != flow->key || flow_tag(value) != flow->hash >> 24)
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

static __always_inline int has_half_open(const struct flow_set *set)
{
	__u32 found = 0;

	for (int way = 0; way < FLOW_WAYS; way++)
		found |= 1u << FLOW_SYN_RECV >> (flow_state(READ_ONCE(set->way[way].value)) & 31);
	return found & 1;
}

/* An opener finds its place beside another half-open flow and does not look in the neighbour: a flood of SYNs waits for one
 * line of memory each. */
static __always_inline struct flow_hit find_flow(const struct flow_key *flow, int opens)
{
	struct flow_hit hit = find_flow_in(flow->set, flow);
	struct flow_set *neighbour;

	if (hit.entry || (opens && has_half_open(flow->set)))
		return hit;
	neighbour = flow_neighbour(flow);
	if (neighbour) {
		hit = find_flow_in(neighbour, flow);
		hit.way += FLOW_WAYS;
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

/* What entries in each state cost a newcomer, four bits for each; and in which bits that differs once they are old. */
struct eviction_costs {
	__u64 fresh;
	__u64 aged;
};

static __always_inline struct eviction_costs eviction_costs(__u32 newcomer)
{
	struct eviction_costs costs = { .fresh = FLOW_COSTS };
	__u32 own = 4 * newcomer & 63, fin_wait = 4 * FLOW_FIN_WAIT, time_wait = 4 * FLOW_TIME_WAIT;

	if (eviction_limit(newcomer) == 2)
		costs.fresh = (costs.fresh & ~(0xfull << own)) | 1ull << own;
	costs.aged = ((costs.fresh >> time_wait ^ costs.fresh >> fin_wait) & 0xf) << fin_wait;
	return costs;
}

/* Keeps the compiler from making branches of arithmetic: of random entries a processor guesses them wrong, and the verifier
 * goes every way that there is through them. */
#define NO_BRANCH(word) asm volatile("" : "+r"(word))

/* 0 or 1. */
static __always_inline __u64 is_set(__u64 word)
{
	__u64 negative = -word;

	NO_BRANCH(negative);
	return (word | negative) >> 63;
}

#define WAY_AGE_SHIFT 2
#define WAY_USED_SHIFT 34
#define WAY_NEIGHBOUR_SHIFT 35
#define WAY_COST_SHIFT 36
#define NO_WAY (1ull << 62)

/* A way that may be taken, and the value that it had. The lowest rank is taken first: by cost, those of the flow's own set
 * before the neighbour's, free ones before others, the oldest, the lowest. */
struct ranked_way {
	__u64 rank;
	__u64 value;
};

static __always_inline __u32 way_cost(struct ranked_way way)
{
	return way.rank >> WAY_COST_SHIFT;
}

static __always_inline __u64 rank_way(__u64 value, struct eviction_costs costs, __u32 now)
{
	__s32 idle = now - (__u32)(value >> 32); /* signed: the slow path's clock may be ahead, and such an entry is no old one */
	__u64 is_old = ((__s64)FLOW_SPENT_TICKS - 1 - idle) >> 63, cost;

	NO_BRANCH(is_old);
	cost = (costs.fresh ^ (costs.aged & is_old)) >> (4 * flow_state(value) & 63) & 0xf;
	cost |= 0xf * (1 - is_set(value ^ FLOW_BUSY));
	return cost << WAY_COST_SHIFT | is_set(value) << WAY_USED_SHIFT |
	       (__u64)(0x7fffffffu - (__u32)idle) << WAY_AGE_SHIFT;
}

/* The better of `best` and the ways of a set. */
static __always_inline struct ranked_way rank_set(struct ranked_way best, const struct flow_set *set, __u64 neighbour,
						  struct eviction_costs costs, __u32 now)
{
	for (int way = 0; way < FLOW_WAYS; way++) {
		__u64 value = READ_ONCE(set->way[way].value);
		__u64 rank = rank_way(value, costs, now) | neighbour << WAY_NEIGHBOUR_SHIFT | way;
		__u64 is_better = (__s64)(rank - best.rank) >> 63;

		NO_BRANCH(is_better);
		best.rank ^= (best.rank ^ rank) & is_better;
		best.value ^= (best.value ^ value) & is_better;
	}
	return best;
}

/* The way that a flow in `state` takes: the neighbour's only where that costs less. A half-open flow is content to push
 * out another one. */
static __always_inline struct flow_hit find_way(const struct flow_key *flow, __u32 state, __u32 now)
{
	struct eviction_costs costs = eviction_costs(state);
	struct ranked_way best = { .rank = NO_WAY };
	struct flow_set *set = flow->set;
	struct flow_hit hit = {};

	best = rank_set(best, set, 0, costs, now);
	if (way_cost(best) > (state == FLOW_SYN_RECV)) {
		struct flow_set *neighbour = flow_neighbour(flow);

		if (neighbour)
			best = rank_set(best, neighbour, 1, costs, now);
		if (neighbour && best.rank >> WAY_NEIGHBOUR_SHIFT & 1) {
			hit.way = FLOW_WAYS;
			set = neighbour;
		}
	}
	if (way_cost(best) > eviction_limit(state))
		return hit;
	hit.way += best.rank % FLOW_WAYS;
	hit.entry = &set->way[best.rank % FLOW_WAYS];
	hit.value = best.value;
	return hit;
}

/* Remembers a flow that was not found, and says where; 0 when nothing in its two sets may make way. */
static __always_inline int insert_flow(const struct flow_key *flow, __u32 state, __u32 real, __u32 now,
				       struct flow_hit *way)
{
	for (int attempt = 0; attempt < FLOW_WAYS; attempt++) {
		*way = find_way(flow, state, now);
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
		*(volatile __u64 *)&way->entry->value = pack_flow(flow->hash >> 24, state, real, now);
		return 1;
	}
	return 0;
}

/* Notes the address of an IPv6 client, when the packet has its outer headers. Who reads it holds it against the key's client
 * word, so that its order with the key does not matter.
 * set: number of the entry's; inner: bytes before the packet */
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
