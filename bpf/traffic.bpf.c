// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* Makes, reflects and counts traffic for benchmarks. bench/generated-traffic.ts mirrors the maps. */
#include <linux/ip.h>

#include "parse.h"

#define TEMPLATE_WORDS 8

/* What every frame begins with, and where it goes; the client's port is counted up from frame to frame. */
struct generator {
	__u64 template[TEMPLATE_WORDS];
	__u32 ifindex;
	__u32 next_port;
};

struct generator generator SEC(".bss.generator");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} received SEC(".maps");

/* For BPF_PROG_TEST_RUN with live frames: who gets a frame may write in it, and the kernel hands it out again as it comes
 * back, so that it is written anew each time. */
static __always_inline int make_frame(struct xdp_md *ctx)
{
	__u64 *word = (void *)(long)ctx->data;

	if ((void *)(word + TEMPLATE_WORDS) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
#pragma unroll
	for (int i = 0; i < TEMPLATE_WORDS; i++)
		word[i] = generator.template[i];
	*(__be16 *)((void *)word + ETH_HLEN + sizeof(struct iphdr)) = bpf_htons(generator.next_port++);
	return bpf_redirect(generator.ifindex, 0);
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	return make_frame(ctx);
}

/* The same from another client each time, as the low half of its address is counted up. The IP ID takes it off again: the sum of
 * both, and so the checksum of an IPv4 header that begins with 0 and 0xffff there, stays what it is. */
SEC("xdp")
int flood(struct xdp_md *ctx)
{
	int verdict = make_frame(ctx);
	struct iphdr *ip = (void *)(long)ctx->data + ETH_HLEN;
	__u16 client = generator.next_port;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	((__be16 *)&ip->saddr)[1] = bpf_htons(client);
	ip->id = bpf_htons(0xffff - client);
	return verdict;
}

/* What is least to be done for a packet: back to where it came from. */
SEC("xdp")
int reflect(struct xdp_md *ctx)
{
	struct cursor cursor = frame_cursor(ctx);
	struct ethernet *ethernet = parse_ethernet(&cursor);
	__u8 mac[ETH_ALEN];

	if (!ethernet)
		return XDP_ABORTED;
	__builtin_memcpy(mac, ethernet->destination, ETH_ALEN);
	__builtin_memcpy(ethernet->destination, ethernet->source, ETH_ALEN);
	__builtin_memcpy(ethernet->source, mac, ETH_ALEN);
	return XDP_TX;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&received, &key);

	if (count)
		*count += 1;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
