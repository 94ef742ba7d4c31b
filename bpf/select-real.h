/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The choice of a real for one packet, by the rules that src/forwarding/image/choice/select-real.ts states. What the fast path
 * cannot carry out it leaves undone, without any effect, so that the slow path makes the choice anew. */
#ifndef CULVERT_SELECT_REAL_H
#define CULVERT_SELECT_REAL_H

#include "flow-table.h"
#include "image.h"
#include "packet.h"

#define TURN_ATTEMPTS 8
#define TICK_NS 100000000ull

struct choice {
	__u32 real;              /* 0: none that the fast path could use */
	struct flow_key flow;
	struct flow_hit hit;     /* the entry that the flow has already, if any */
	int known;               /* the entry names this real */
	int notes_client;        /* it is time for the address of an IPv6 client, in the way of `hit` */
};

/* The slots of a service, in one atomic word. */
struct ring {
	__u32 first;
	__u32 slots;
};

static __always_inline struct ring service_ring(const struct service *service)
{
	__u64 word = READ_ONCE(service->ring);
	struct ring ring = { .first = (__u32)word, .slots = word >> 32 };

	return ring;
}

static __always_inline __u32 current_real(__u32 slot)
{
	return slot & SLOT_REAL_MASK;
}

static __always_inline __u32 fallback_real(__u32 slot)
{
	return slot >> SLOT_REAL_BITS & SLOT_REAL_MASK;
}

/* The ring slot of a packet to a SERVICE_HASH service. */
static __always_inline __u32 hashed_slot(const struct packet *packet, const struct service *service)
{
	struct ring ring = service_ring(service);
	__u32 port = bpf_ntohs(packet->client_port), hash;

	/* A branch, because the processor guesses it and need not wait for the service's line as it would for the mask. */
	if (unlikely(!service->port_mask))
		port = 0;
	hash = flow_hash(packet->client_word, port, settings.hash_key);
	return likely(ring.slots) ? image_slot(ring.first + slot_of_hash(hash, ring.slots)) : 0;
}

/* The fast path can send the packet to this real: it serves, its next hop is known, and the packet fits.
 * next_hop: what real_next_hop() gave, so that the state looked at belongs to the address used. */
static __always_inline int can_send(const struct real *real, __u64 next_hop, const struct packet *packet)
{
	return next_hop >> 48 == (REAL_SERVING | REAL_RESOLVED) &&
	       packet->length + real->overhead <= real->mtu;
}

/* The real is the director itself: its stack takes packets of any size. */
static __always_inline int is_local(__u64 next_hop)
{
	return (next_hop >> 48 & (REAL_SERVING | REAL_LOCAL)) == (REAL_SERVING | REAL_LOCAL);
}

static __always_inline int can_send_to(__u32 index, const struct packet *packet)
{
	const struct real *real = image_real(index);
	__u64 next_hop = real_next_hop(real);

	return can_send(real, next_hop, packet) || is_local(next_hop);
}

/* An opener that meets such a flow begins another. */
static __always_inline int is_over(__u32 state)
{
	return state == FLOW_CLOSE || state == FLOW_TIME_WAIT || state == FLOW_FIN_WAIT;
}

static __always_inline __u32 choose_in_slot(__u32 slot, const struct packet *packet)
{
	__u32 fallback = fallback_real(slot);

	return !opens_flow(packet) && is_serving(fallback) ? fallback : current_real(slot);
}

/* Takes the turn only once it is known that its real can be used. */
static __always_inline __u32 choose_by_turn(const struct service *service, const struct packet *packet)
{
	struct ring ring = service_ring(service);
	__u32 index = service->index;
	__u64 *cursor;

	if (index >= SERVICES || !ring.slots || (packet->protocol == IPPROTO_TCP && !opens_flow(packet)))
		return 0;
	cursor = &cursors[index];
	for (int attempt = 0; attempt < TURN_ATTEMPTS; attempt++) {
		__u64 turn = READ_ONCE(*cursor);
		__u32 real = current_real(image_slot(ring.first + turn % ring.slots));

		if (!can_send_to(real, packet))
			return 0;
		if (__sync_val_compare_and_swap(cursor, turn, turn + 1) == turn)
			return real;
	}
	return 0;
}

/* The control plane keeps the image's clock; when that stands still nobody takes what is handed over. */
static __always_inline int is_unattended(void)
{
	__u32 patience = settings.patience;

	return patience && (__u32)(bpf_ktime_get_boot_ns() / TICK_NS) - settings.now > patience;
}

/* Better a real by hash than none by load. */
static __always_inline __u32 choose_unattended(const struct packet *packet, const struct service *service)
{
	if (packet->protocol == IPPROTO_TCP && !opens_flow(packet))
		return 0;
	return is_unattended() ? current_real(hashed_slot(packet, service)) : 0;
}

/* For services that remember this packet's flow: SERVICE_ROTATION, SERVICE_DELEGATED, and tracked slots. What becomes of a
 * flow whose real does not serve is for the slow path to say. */
static __always_inline void choose_remembered(struct choice *choice, const struct packet *packet,
					      const struct service *service, __u32 slot)
{
	__u32 remembered;

	choice->hit = find_flow(&choice->flow, opens_flow(packet));
	remembered = flow_real(choice->hit.value);
	choice->known = choice->hit.entry && !(opens_flow(packet) && is_over(flow_state(choice->hit.value)));
	if (choice->known && !is_serving(remembered))
		return;
	if (choice->known)
		choice->real = remembered;
	else if (service->kind == SERVICE_ROTATION)
		choice->real = choose_by_turn(service, packet);
	else if (service->kind == SERVICE_HASH)
		choice->real = choose_in_slot(slot, packet);
	else
		choice->real = choose_unattended(packet, service);
}

/* Notes in the flow memory what was chosen; 1 if the flow is newly remembered. Of a half-open flow that pushes another out
 * the client's address is only noted with its second packet: a flood of SYNs that has filled the memory waits for one line
 * of it each, not for two. */
static __always_inline int remember(struct choice *choice, const struct packet *packet, __u32 now)
{
	__u32 state = first_flow_state(packet);

	if (choice->known) {
		choice->notes_client = touch_flow(&choice->hit, packet, now);
		return 0;
	}
	if (state == FLOW_NONE)
		return 0;
	if (choice->hit.entry)
		return replace_flow(&choice->hit, state, choice->real, now);
	if (!insert_flow(&choice->flow, state, choice->real, now, &choice->hit))
		return 0;
	choice->notes_client = state != FLOW_SYN_RECV || !choice->hit.value;
	return 1;
}

#endif
