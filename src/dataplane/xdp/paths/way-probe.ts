// Sends a frame by XDP to find out whether it leaves.
import { fileURLToPath } from 'node:url';
import { CulvertError } from '../../../errors.ts';
import { type BpfObject, openBpfObject } from '../../../linux/bpf/object.ts';
import { RawTracepoint } from '../../../linux/bpf/raw-tracepoint.ts';
import { ETHERNET_HEADER_BYTES } from '../../../net/headers/ethernet.ts';

const OBJECT_PATH = fileURLToPath(new URL('../../../../build/bpf/ways-out.bpf.o', import.meta.url));
/** struct probe of bpf/ways-out.bpf.c */
const PROBE = { ifIndex: 0, flushedBy: 4, sent: 8, dropped: 12 } as const;
/** IEEE Std 802 - Local Experimental Ethertype 1. */
const LOCAL_EXPERIMENT = 0x88b5;
const FRAME_BYTES = 60;

/**
 * Sends frames by XDP redirection and reports whether the driver took them. The kernel drops those that it does not take
 * without counting them anywhere, so the probe listens at the kernel's tracepoint, for no longer than it sends.
 */
export class WayProbe implements Disposable {
  /** The probe's BPF object; undefined where the kernel does not allow it. */
  readonly #object: BpfObject | undefined;

  constructor() {
    this.#object = open();
  }

  /**
   * Sends one frame out of an interface, from its own MAC address to the same: no switch passes it on.
   * @returns undefined when it cannot be known
   */
  leaves({ index, mac }: { readonly index: number; readonly mac: Uint8Array }): boolean | undefined {
    if (this.#object === undefined) return undefined;
    using map = this.#object.map('probe');
    using memory = map.mmap();
    using sender = this.#object.program('send_probe');
    using listener = this.#object.program('probe_flushed');
    const probe = new DataView(memory.buffer);
    probe.setUint32(PROBE.ifIndex, index, true);
    probe.setUint32(PROBE.sent, 0, true);
    using tracepoint = RawTracepoint.attach(listener, 'xdp_devmap_xmit');
    sender.sendLive(frameOf(mac), 1);
    tracepoint[Symbol.dispose]();
    probe.setUint32(PROBE.flushedBy, 0, true);
    return probe.getUint32(PROBE.sent, true) > 0;
  }

  [Symbol.dispose](): void {
    this.#object?.[Symbol.dispose]();
  }
}

function open(): BpfObject | undefined {
  try {
    return openBpfObject(OBJECT_PATH);
  } catch (error) {
    if (error instanceof CulvertError) return undefined;
    throw error;
  }
}

function frameOf(mac: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_BYTES);
  frame.set(mac, 0);
  frame.set(mac, mac.length);
  new DataView(frame.buffer).setUint16(ETHERNET_HEADER_BYTES - 2, LOCAL_EXPERIMENT);
  return frame;
}
