export interface CapturedPacket {
  readonly linkType: number;
  /** Since the epoch. */
  readonly timeNs: bigint;
  /** As captured: may be shorter than what was on the wire. */
  readonly bytes: Uint8Array;
  readonly originalLength: number;
}
