// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* Proves that frames which XDP redirects to an interface leave by it: sends one, and hears from the kernel what became of
 * it. src/dataplane/xdp/paths/way-probe.ts mirrors the map. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define OF_CPU(cpu) ((cpu) + 1)

struct probe {
	__u32 ifindex;
	__u32 flushed_by;        /* OF_CPU() of the processor whose next flush is the probe's; 0: none */
	__u32 sent;
	__u32 dropped;
};

struct probe probe SEC(".bss.probe");

/* For BPF_PROG_TEST_RUN with live frames, which flushes before it lets anything else run on its processor. */
SEC("xdp")
int send_probe(struct xdp_md *ctx)
{
	probe.flushed_by = OF_CPU(bpf_get_smp_processor_id());
	return bpf_redirect(probe.ifindex, 0);
}

/* Arguments: from_dev, to_dev, sent, drops, err (include/trace/events/xdp.h). What cannot even be queued does not come here. */
SEC("raw_tp/xdp_devmap_xmit")
int probe_flushed(struct bpf_raw_tracepoint_args *ctx)
{
	if (probe.flushed_by != OF_CPU(bpf_get_smp_processor_id()))
		return 0;
	probe.flushed_by = 0;
	probe.sent += (__u32)ctx->args[2];
	probe.dropped += (__u32)ctx->args[3];
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
