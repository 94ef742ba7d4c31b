// The send buffer of a simulated TCP connection.

/** Bytes that wait to be sent or acknowledged, addressed by their place in the whole stream. */
export class SendBuffer {
  #chunks: Uint8Array[] = [];
  #from = 0;
  #to = 0;

  /** The place behind the last byte written. */
  get end(): number {
    return this.#to;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#to += bytes.length;
  }

  slice(from: number, to: number): Uint8Array {
    const [first] = this.#chunks;
    if (first !== undefined && to - this.#from <= first.length) {
      return first.subarray(from - this.#from, to - this.#from);
    }
    const joined = new Uint8Array(to - from);
    let chunkFrom = this.#from;
    for (const chunk of this.#chunks) {
      const piece = chunk.subarray(Math.max(0, from - chunkFrom), Math.max(0, to - chunkFrom));
      joined.set(piece, Math.max(0, chunkFrom - from));
      chunkFrom += chunk.length;
      if (chunkFrom >= to) break;
    }
    return joined;
  }

  /** Forgets whole chunks before this place. */
  release(before: number): void {
    while (this.#chunks[0] !== undefined && this.#from + this.#chunks[0].length <= before) {
      this.#from += this.#chunks[0].length;
      this.#chunks.shift();
    }
  }
}
