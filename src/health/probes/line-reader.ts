// Cuts a server's answer into lines, at a cost that depends on its length only.

export interface LineLimits {
  /** The limit of all bytes pushed. */
  readonly bytes: number;
  readonly lines: number;
}

export class LineReader {
  readonly #limits: LineLimits;
  /** The beginning of the line that has no end yet. */
  #rest = '';
  #bytes = 0;
  #lines = 0;

  constructor(limits: LineLimits) {
    this.#limits = limits;
  }

  /** @returns the lines that these bytes complete, without their ends. @throws Error beyond the limits */
  push(bytes: Buffer): string[] {
    this.#bytes += bytes.length;
    const pieces = bytes.toString('latin1').split('\n');
    const last = pieces.pop() ?? '';
    this.#lines += pieces.length;
    if (this.#bytes > this.#limits.bytes || this.#lines > this.#limits.lines)
      throw new Error('the answer is too long');
    const lines = pieces.map((piece, index) => (index === 0 ? this.#rest + piece : piece).replace(/\r$/, ''));
    this.#rest = pieces.length === 0 ? this.#rest + last : last;
    return lines;
  }
}
