// A packet of a capture.
export interface CapturedPacket {
  readonly linkType: number;
  /** The time in nanoseconds since the epoch. */
  readonly timeNs: bigint;
  /** The captured bytes; may be fewer than on the wire. */
  readonly bytes: Uint8Array;
  readonly originalLength: number;
}
