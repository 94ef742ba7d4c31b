// A loaded BPF program: attaching and test runs.
import koffi from 'koffi';
import { BpfDescriptor, objectInfo, openPinned } from './bpf-descriptor.ts';
import { libbpf } from './libbpf.ts';
import { check } from './libbpf-result.ts';

/** The verdicts of an XDP program on a frame. */
export const XDP_VERDICT = { aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4 } as const;

export interface TestRun {
  /** The frame, from its Ethernet header on; at least 14 bytes. */
  readonly data: Uint8Array;
  /** Times that the program runs, each on what the one before left behind; 1 unless given. */
  readonly repeat?: number;
  /** The interface that the frame seems to come from; loopback's (1) unless given. */
  readonly ifIndex?: number;
}

export interface TestResult {
  readonly verdict: number;
  readonly data: Uint8Array;
  /** The average of one run. */
  readonly nanoseconds: number;
}

/** Room for what a program may put in front of a frame. */
const HEADROOM_BYTES = 256;

/** Offsets in struct bpf_test_run_opts of libbpf 1.x. */
const RUN = { size: 80, dataIn: 8, dataOut: 16, sizeIn: 24, sizeOut: 28, ctxIn: 32, ctxSizeIn: 48 } as const;
const RUN_OUT = { verdict: 56, repeat: 60, duration: 64, flags: 68, batchSize: 76 } as const;
const BPF_F_TEST_XDP_LIVE_FRAMES = 2;
/** Frames that the kernel has in hand at a time; at most 256. */
const LIVE_BATCH = 64;
const XDP_MD_BYTES = 24;

/** A loaded XDP program. */
export class BpfProgram extends BpfDescriptor {
  static openPinned(path: string): BpfProgram {
    return new BpfProgram(openPinned(path));
  }

  /** The kernel's id of it, and the tag: a hash of its instructions without the maps they use. */
  info(): { readonly id: number; readonly tag: string; readonly name: string } {
    const info = objectInfo(this.fd, 80);
    return {
      id: info.getUint32(4, true),
      tag: Buffer.from(info.buffer, 8, 8).toString('hex'),
      name: Buffer.from(info.buffer, 64, 16).toString('latin1').replace(/\0.*$/s, ''),
    };
  }

  /** Runs it on a frame by BPF_PROG_TEST_RUN. */
  testRun(run: TestRun): TestResult {
    const out = new Uint8Array(run.data.length + HEADROOM_BYTES);
    const options = new Uint8Array(RUN.size);
    const view = new DataView(options.buffer);
    view.setBigUint64(0, BigInt(RUN.size), true);
    view.setBigUint64(RUN.dataIn, koffi.address(run.data), true);
    view.setBigUint64(RUN.dataOut, koffi.address(out), true);
    view.setUint32(RUN.sizeIn, run.data.length, true);
    view.setUint32(RUN.sizeOut, out.length, true);
    view.setUint32(RUN_OUT.repeat, run.repeat ?? 1, true);
    // The variable keeps the context alive for as long as the kernel reads it.
    const context = run.ifIndex === undefined ? undefined : xdpContext(run.data.length, run.ifIndex);
    if (context !== undefined) {
      view.setBigUint64(RUN.ctxIn, koffi.address(context), true);
      view.setUint32(RUN.ctxSizeIn, context.length, true);
    }
    check('run a BPF program on a test frame', libbpf().bpf_prog_test_run_opts(this.fd, options));
    return {
      verdict: view.getUint32(RUN_OUT.verdict, true),
      data: out.subarray(0, view.getUint32(RUN.sizeOut, true)),
      nanoseconds: view.getUint32(RUN_OUT.duration, true),
    };
  }

  /**
   * Has the kernel make so many frames and do with each what the program says: a redirect sends it. Frames come back to be
   * used again with what others wrote in them. Returns when the last one has been given away.
   * @param data one frame; only its length counts for a program that writes frames itself
   */
  sendLive(data: Uint8Array, frames: number): void {
    const options = new Uint8Array(RUN.size);
    const view = new DataView(options.buffer);
    view.setBigUint64(0, BigInt(RUN.size), true);
    view.setBigUint64(RUN.dataIn, koffi.address(data), true);
    view.setUint32(RUN.sizeIn, data.length, true);
    view.setUint32(RUN_OUT.repeat, frames, true);
    view.setUint32(RUN_OUT.flags, BPF_F_TEST_XDP_LIVE_FRAMES, true);
    view.setUint32(RUN_OUT.batchSize, LIVE_BATCH, true);
    check('send frames by a BPF program', libbpf().bpf_prog_test_run_opts(this.fd, options));
  }
}

/** struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex. */
function xdpContext(dataBytes: number, ifIndex: number): Uint8Array {
  const words = new Uint32Array(XDP_MD_BYTES / 4);
  words[1] = dataBytes;
  words[3] = ifIndex;
  return new Uint8Array(words.buffer);
}
