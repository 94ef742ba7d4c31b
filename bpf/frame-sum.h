/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The internet checksum of a whole packet, in blocks: a bounded loop, in a function that the verifier looks at once. */
#ifndef CULVERT_FRAME_SUM_H
#define CULVERT_FRAME_SUM_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "known-length.h"

#define SUM_BLOCK_BYTES 512      /* all that bpf_csum_diff takes at once before Linux 6.13 */
#define SUM_BLOCKS 128           /* of the longest IP packet */

struct sum_block {
	__u8 bytes[SUM_BLOCK_BYTES];
	__u32 reserved;          /* the verifier believes that the last word may begin at the end */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sum_block);
} sum_blocks SEC(".maps");

/* Of at most 65,536 bytes of the frame from `at` on, not folded; those beyond its end count as zero. */
__noinline __u32 frame_sum(struct xdp_md *ctx, __u32 at, __u32 bytes)
{
	__u32 key = 0, sum = 0, take;
	struct sum_block *block = bpf_map_lookup_elem(&sum_blocks, &key);

	if (!block)
		return 0;
	for (int i = 0; i < SUM_BLOCKS && bytes > 0; i++) {
		take = known_length(bytes, SUM_BLOCK_BYTES);
		*(__u32 *)(block->bytes + (take & ~3u)) = 0;
		if (bpf_xdp_load_bytes(ctx, at, block->bytes, take))
			return sum;
		sum = bpf_csum_diff(NULL, 0, (__be32 *)block->bytes, (take + 3) & ~3u, sum);
		at += take;
		bytes -= take;
	}
	return sum;
}

#endif
