// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* For measuring the fast path by BPF_PROG_TEST_RUN, which runs a program again and again on what it left of one frame:
 * takes the outer header off again, makes the packet the next flow's, and calls the program under test. bench/fast-path.ts
 * mirrors the maps. */
#include "encapsulate.h"

/* One line, the same for whichever program is measured. The kernel's own measure comes in whole nanoseconds, and counts
 * the time for which others took the processor; so the time is noted every few thousand runs, which tells such spells. */
struct walk {
	__u32 index;             /* of the flow whose turn it is */
	__u32 stride;            /* shares no factor with `flows`, so that every flow gets its turn */
	__u32 flows;
	__u32 header_sum;        /* of the IPv4 header with client and checksum 0 */
	__u32 ttl_protocol;      /* the third word of the IPv4 header, checksum 0; of IPv6 the low byte alone */
	__u32 interval;          /* runs from mark to mark */
	__u32 left;              /* until the next */
	__u32 marked;
	__u32 reserved[8];
};

#define MARKS 64
/* Behind it are 2^26 addresses that clients can have. */
#define FIRST_CLIENT 0x40000000

struct walk walk SEC(".bss.walk");
__u64 marks[MARKS] SEC(".bss.marks");

enum target {
	TARGET_FLOOR = 0,
	TARGET_DIRECTOR = 1,
	TARGETS = 2,
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, TARGETS);
	__type(key, __u32);
	__type(value, __u32);
} targets SEC(".maps");

struct real floor_real SEC(".bss.floor_real");

static __noinline int mark(void)
{
	marks[walk.marked++ % MARKS] = bpf_ktime_get_ns();
	walk.left = walk.interval - 1;
	return 0;
}

static __always_inline __u32 next_flow(void)
{
	__u32 index = walk.index + walk.stride;

	if (index >= walk.flows)
		index -= walk.flows;
	walk.index = index;
	if (walk.left-- == 0)
		mark();
	return index;
}

/* 0 where there was none to take off. */
static __always_inline int strip_ipv4(struct xdp_md *ctx)
{
	struct iphdr *ip = (void *)(long)ctx->data + ETH_HLEN;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return -1;
	return ip->protocol == IPPROTO_IPIP ? bpf_xdp_adjust_head(ctx, sizeof(*ip)) : 0;
}

static __always_inline int strip_ipv6(struct xdp_md *ctx)
{
	struct ipv6hdr *ip = (void *)(long)ctx->data + ETH_HLEN;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return -1;
	return ip->nexthdr == IPPROTO_IPV6 ? bpf_xdp_adjust_head(ctx, sizeof(*ip)) : 0;
}

static __always_inline void write_ethernet(void *frame, __be16 protocol)
{
	*(__u64 *)frame = 0x0202020202020202;
	*(__u32 *)(frame + 8) = 0x02020202;
	*(__be16 *)(frame + 12) = protocol;
}

static __always_inline int make_next_ipv4(struct xdp_md *ctx)
{
	__u32 index, client, *word;
	void *frame;

	if (strip_ipv4(ctx))
		return -1;
	frame = (void *)(long)ctx->data;
	if (frame + ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr) > (void *)(long)ctx->data_end)
		return -1;
	index = next_flow();
	client = bpf_htonl(FIRST_CLIENT + index);
	word = frame + ETH_HLEN;
	write_ethernet(frame, bpf_htons(ETH_P_IP));
	word[2] = walk.ttl_protocol | (__u32)(__u16)~fold_checksum((__u64)walk.header_sum + client) << 16;
	word[3] = client;
	*(__u16 *)&word[5] = index * 31;
	return 0;
}

/* The client's network stays as it is. */
static __always_inline int make_next_ipv6(struct xdp_md *ctx)
{
	struct ipv6hdr *ip;
	__u32 index;
	void *frame;

	if (strip_ipv6(ctx))
		return -1;
	frame = (void *)(long)ctx->data;
	ip = frame + ETH_HLEN;
	if ((void *)(ip + 1) + sizeof(struct udphdr) > (void *)(long)ctx->data_end)
		return -1;
	index = next_flow();
	write_ethernet(frame, bpf_htons(ETH_P_IPV6));
	ip->hop_limit = walk.ttl_protocol;
	ip->saddr.in6_u.u6_addr32[3] = index;
	*(__u16 *)(ip + 1) = index * 31;
	return 0;
}

static __always_inline int measure(struct xdp_md *ctx, int failure, __u32 target)
{
	if (!failure)
		bpf_tail_call(ctx, &targets, target);
	return XDP_ABORTED;
}

SEC("xdp")
int floor_ipv4(struct xdp_md *ctx)
{
	return measure(ctx, make_next_ipv4(ctx), TARGET_FLOOR);
}

SEC("xdp")
int director_ipv4(struct xdp_md *ctx)
{
	return measure(ctx, make_next_ipv4(ctx), TARGET_DIRECTOR);
}

SEC("xdp")
int floor_ipv6(struct xdp_md *ctx)
{
	return measure(ctx, make_next_ipv6(ctx), TARGET_FLOOR);
}

SEC("xdp")
int director_ipv6(struct xdp_md *ctx)
{
	return measure(ctx, make_next_ipv6(ctx), TARGET_DIRECTOR);
}

/* No less can be done for a packet: the outer header for one real, and out it goes. */
static __always_inline int encapsulate_only(struct xdp_md *ctx, int is_ipv6)
{
	__u64 next_hop = real_next_hop(&floor_real);

	return encapsulate(ctx, &floor_real, next_hop, 0, PLAIN_ENVELOPE(is_ipv6)) ? XDP_DROP : XDP_TX;
}

SEC("xdp")
int encapsulate_ipv4(struct xdp_md *ctx)
{
	return encapsulate_only(ctx, 0);
}

SEC("xdp")
int encapsulate_ipv6(struct xdp_md *ctx)
{
	return encapsulate_only(ctx, 1);
}

char LICENSE[] SEC("license") = "GPL";
