// Shared memory that only the control plane writes, with a copy to detect and undo writes of others.

/**
 * Shared memory that only the control plane writes, with a copy of what it wrote: a difference was written by somebody else and
 * can be undone. Positions count words of 32 bits.
 */
export class OwnWords {
  readonly words: Uint32Array<ArrayBuffer>;
  readonly #written: Uint32Array<ArrayBuffer>;
  readonly #bytes: Buffer;
  readonly #writtenBytes: Buffer;
  /** Positions restored since `takeMended`. */
  #mended: number[] = [];

  constructor(memory: ArrayBuffer, byteLength: number = memory.byteLength) {
    this.words = new Uint32Array(memory, 0, byteLength / 4);
    this.#written = new Uint32Array(this.words.length);
    this.#bytes = Buffer.from(memory, 0, byteLength);
    this.#writtenBytes = Buffer.from(this.#written.buffer);
  }

  get length(): number {
    return this.words.length;
  }

  store(at: number, word: number): void {
    Atomics.store(this.words, at, word);
    this.#written[at] = word;
  }

  /** Accepts what is there now, whoever wrote it. */
  adopt(from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const word = this.words[at] as number;
      // Pages of the copy that are never written take no memory.
      if (this.#written[at] !== word) this.#written[at] = word;
    }
  }

  /** Restores what differs from the copy. */
  mend(from = 0, to: number = this.length): void {
    if (this.#bytes.compare(this.#writtenBytes, 4 * from, 4 * to, 4 * from, 4 * to) === 0) return;
    for (let at = from; at < to; at++) {
      const word = this.#written[at] as number;
      if (this.words[at] === word) continue;
      Atomics.store(this.words, at, word);
      this.#mended.push(at);
    }
  }

  /** Returns the positions that were restored since the last call. */
  takeMended(): readonly number[] {
    const mended = this.#mended;
    this.#mended = [];
    return mended;
  }
}
