// Reads which interface a frame that was handed over came in by.
const MARK_AT = 2;
const MARK_BYTES = 4;

/**
 * The interface that a frame came in by: the fast path writes its index over the last 4 bytes of the destination address of
 * what it hands over (bpf/director.bpf.c), in the machine's byte order. Of what the host's stack routed to the slow path,
 * and of frames too short to have one, it is any number.
 */
export function ingressOf(frame: Uint8Array): number {
  if (frame.length < MARK_AT + MARK_BYTES) return 0;
  return new DataView(frame.buffer, frame.byteOffset).getUint32(MARK_AT, true);
}
