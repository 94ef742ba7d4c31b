// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* Passes everything. A veth device takes frames that the other end sends by XDP only while it runs a program of its own
 * (drivers/net/veth.c, veth_xdp_xmit); a lab's router has this one. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
