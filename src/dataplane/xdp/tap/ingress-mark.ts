// Reads which interface a frame that was handed over came in by.
const MARK_AT = 2;
const MARK_BYTES = 4;

/**
 * Returns the interface on which a frame arrived: the fast path writes its index, in the machine's byte order, over the last 4
 * bytes of the destination address of frames that it hands over (bpf/director.bpf.c). For frames that the host's stack routed to
 * the slow path, and those too short for an address, it is any number.
 */
export function ingressOf(frame: Uint8Array): number {
  if (frame.length < MARK_AT + MARK_BYTES) return 0;
  return new DataView(frame.buffer, frame.byteOffset).getUint32(MARK_AT, true);
}
