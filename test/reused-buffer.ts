const BYTES = 1 << 16;

/**
 * One buffer for all frames, as a reader of the TAP device has it: each frame overwrites the one before. A Node Buffer, whose
 * `slice()` copies nothing, so that whoever keeps bytes without owning them is found out.
 */
export class ReusedBuffer {
  readonly #buffer: Buffer = Buffer.alloc(BYTES);
  #used = 0;

  /** The frame, valid until the next call. */
  read(frame: Uint8Array): Uint8Array {
    this.#buffer.fill(0xa5, 0, this.#used);
    this.#buffer.set(frame);
    this.#used = frame.length;
    return this.#buffer.subarray(0, frame.length);
  }
}
