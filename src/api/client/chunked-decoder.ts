// The decoder of the chunked transfer coding.

/** Takes the chunked transfer coding (RFC 9112, section 7.1) off a body that arrives in pieces of any size. */
export class ChunkedDecoder {
  /** Bytes of a line, of a size or a trailer, whose end has not arrived. */
  #line = '';
  /** Bytes that are missing of the chunk; -1 while its size is read. */
  #missing = -1;
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size';

  /** True once the last chunk and its trailer have arrived. */
  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** @returns the parts of the body that are in these bytes. @throws Error where they are no chunked body. */
  push(bytes: Buffer): Buffer[] {
    const parts: Buffer[] = [];
    for (let at = 0; at < bytes.length && this.#state !== 'done'; ) {
      at = this.#state === 'data' ? this.#takeData(bytes, at, parts) : this.#takeLine(bytes, at);
    }
    return parts;
  }

  #takeData(bytes: Buffer, at: number, parts: Buffer[]): number {
    const end = Math.min(bytes.length, at + this.#missing);
    parts.push(bytes.subarray(at, end));
    this.#missing -= end - at;
    if (this.#missing === 0) this.#state = 'data-end';
    return end;
  }

  #takeLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LINE_FEED, at);
    this.#line += bytes.toString('latin1', at, end < 0 ? bytes.length : end);
    if (this.#line.length > MAX_LINE) throw new Error('a line of the chunked body is too long');
    if (end < 0) return bytes.length;
    const line = this.#line.trimEnd();
    this.#line = '';
    this.#state = this.#after(line);
    return end + 1;
  }

  #after(line: string): 'size' | 'data' | 'trailer' | 'done' {
    if (this.#state === 'data-end') return 'size';
    if (this.#state === 'trailer') return line === '' ? 'done' : 'trailer';
    const [size = ''] = line.split(';');
    if (!/^[0-9a-f]{1,12}$/i.test(size.trim()))
      throw new Error(`${JSON.stringify(line)} is not the size of a chunk`);
    this.#missing = Number.parseInt(size, 16);
    return this.#missing === 0 ? 'trailer' : 'data';
  }
}

const LINE_FEED = 10;
const MAX_LINE = 4096;
