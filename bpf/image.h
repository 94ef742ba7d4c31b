/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The maps of the forwarding image, and the ways to reach their elements. src/dataplane/xdp/ sizes `slots` and `flows`
 * to the capacity configured and pins all of them. */
#ifndef CULVERT_IMAGE_H
#define CULVERT_IMAGE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "layout.h"

#define REASON_CAPACITY 64 /* as in src/forwarding/image/tables/memory.ts */

/* Arrays of fixed size are global variables, each in a section of its own, of which libbpf makes a map with a single
 * element: that spares the look-up. The other arrays are sized to the configured capacity. User space maps both kinds;
 * they start on a page, so that an element of 64 bytes is one cache line. */
struct settings settings SEC(".bss.settings");
struct service services[SERVICE_BUCKETS] SEC(".bss.services");
struct real reals[REALS] SEC(".bss.reals");
__u64 cursors[SERVICES] SEC(".bss.cursors");
__u64 flow_counts[REALS] SEC(".bss.flow_counts");
struct hand_over hand_over SEC(".bss.hand_over");
__u32 check_words[CHECK_WORDS] SEC(".bss.check_words");
struct no_clients no_clients SEC(".bss.no_clients");

#define SHARED_ARRAY(entries, element)                  \
	__uint(type, BPF_MAP_TYPE_ARRAY);               \
	__uint(map_flags, BPF_F_MMAPABLE);              \
	__uint(max_entries, entries);                   \
	__type(key, __u32);                             \
	__type(value, element)

struct {
	SHARED_ARRAY(1, struct slot_line);
} slots SEC(".maps");

struct {
	SHARED_ARRAY(1, struct flow_set);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REALS);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

/* The control plane's own; no program uses these three. They are here to last as long as the others. */
struct {
	SHARED_ARRAY(1, struct flow_clients);
} flow_clients SEC(".maps");

struct {
	SHARED_ARRAY(REALS, struct counters);
} slow_counters SEC(".maps");

struct {
	SHARED_ARRAY(REASON_CAPACITY, __u64);
} reasons SEC(".maps");

/* Keeps the compiler from working out an address anew for each field. */
#define ONE_ADDRESS(pointer) asm volatile("" : "+r"(pointer))

/* A shared word is read once: the compiler must neither read it again nor in parts. */
#define READ_ONCE(word) (*(const volatile typeof(word) *)&(word))

static __always_inline const struct real *image_real(__u32 index)
{
	const struct real *real = &reals[index % REALS];

	ONE_ADDRESS(real);
	return real;
}

/* The slot of that number in the `slots` array; 0, which names no real, if there is none. */
static __always_inline __u32 image_slot(__u32 number)
{
	__u32 line_index = number / SLOTS_PER_LINE;
	const struct slot_line *line = bpf_map_lookup_elem(&slots, &line_index);

	return line ? READ_ONCE(line->slot[number % SLOTS_PER_LINE]) : 0;
}

/* Next hop and state: one atomic word, see struct real. */
static __always_inline __u64 real_next_hop(const struct real *real)
{
	return READ_ONCE(*(const __u64 *)real->next_hop_mac);
}

static __always_inline int is_serving(__u32 index)
{
	return real_next_hop(image_real(index)) >> 48 & REAL_SERVING;
}

#endif
