/** Longer than any server's head. */
const LONGEST_HEAD_BYTES = 65_536;
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: |$)/;

/** What the body's end is known by: so many bytes more, the chunks' own lengths, or the end of the connection. */
type Body = { left: number } | 'chunk-size' | 'trailer' | 'until-end';

/**
 * Reads one answer of HTTP/1.0 or 1.1 (RFC 9112) from the bytes of a connection. Pure, and no more than a check needs;
 * Node's own client asks in HTTP/1.1 only.
 * @throws Error from `push` and `end` that says what is wrong with the answer
 */
export class HttpResponse {
  readonly #onBody: (bytes: Buffer) => void;
  /** Not taken apart yet. */
  #rest: Buffer = Buffer.alloc(0);
  #body: Body | undefined;
  #isChunked = false;
  /** 0 until the head is there. */
  status = 0;
  isComplete = false;

  constructor(onBody: (bytes: Buffer) => void) {
    this.#onBody = onBody;
  }

  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (!this.isComplete && this.#takePart());
  }

  /** The server has closed. */
  end(): void {
    if (this.isComplete) return;
    if (this.#body === undefined && this.#rest.length === 0)
      throw new Error('the server closed without an answer');
    if (this.#body !== 'until-end') throw new Error('the answer was cut off');
    this.isComplete = true;
  }

  /** False: more has to come first. */
  #takePart(): boolean {
    if (this.#body === undefined) return this.#takeHead();
    if (this.#body === 'until-end') return this.#takeBytes(this.#rest.length) > 0;
    if (typeof this.#body === 'object') return this.#takeCounted(this.#body);
    const line = this.#takeLine();
    if (line === undefined) return false;
    if (this.#body === 'trailer') this.isComplete = line === '';
    else this.#beginChunk(line);
    return true;
  }

  #takeHead(): boolean {
    const end = /\r?\n\r?\n/.exec(this.#rest.toString('latin1', 0, LONGEST_HEAD_BYTES));
    if (end === null) {
      const start = this.#rest.toString('latin1', 0, 5);
      if (!'HTTP/'.startsWith(start) || this.#rest.length >= LONGEST_HEAD_BYTES) throw notHttp();
      return false;
    }
    const [first = '', ...fields] = this.#rest.toString('latin1', 0, end.index).split(/\r?\n/);
    this.#rest = this.#rest.subarray(end.index + end[0].length);
    const status = Number(STATUS_LINE.exec(first)?.[1] ?? 0);
    if (status < 100) throw notHttp();
    if (status === 101) throw new Error('HTTP status 101: nobody asked for another protocol');
    // The other 1xx are interim answers, the final one follows.
    if (status >= 200) this.#begin(status, fields);
    return true;
  }

  #begin(status: number, fields: readonly string[]): void {
    this.status = status;
    const length = fieldOf(fields, 'content-length');
    this.#isChunked = /(^|[\s,])chunked$/i.test(fieldOf(fields, 'transfer-encoding') ?? '');
    if (status === 204 || status === 304) this.isComplete = true;
    else if (this.#isChunked) this.#body = 'chunk-size';
    else if (length === undefined) this.#body = 'until-end';
    else if (!/^\d{1,15}$/.test(length)) throw notHttp();
    else this.#expect(Number(length));
  }

  #expect(left: number): void {
    this.#body = { left };
    this.isComplete = left === 0;
  }

  #beginChunk(line: string): void {
    // A chunk's data ends with an empty line.
    if (line === '') return;
    const size = /^[0-9a-f]{1,12}(?=[\s;]|$)/i.exec(line)?.[0];
    if (size === undefined) throw notHttp();
    const left = Number.parseInt(size, 16);
    this.#body = left === 0 ? 'trailer' : { left };
  }

  #takeCounted(body: { left: number }): boolean {
    const taken = this.#takeBytes(Math.min(body.left, this.#rest.length));
    body.left -= taken;
    if (body.left > 0) return false;
    if (this.#isChunked) this.#body = 'chunk-size';
    else this.isComplete = true;
    return true;
  }

  #takeBytes(count: number): number {
    if (count > 0) this.#onBody(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  #takeLine(): string | undefined {
    const end = this.#rest.indexOf('\n');
    if (end === -1 && this.#rest.length >= LONGEST_HEAD_BYTES) throw notHttp();
    if (end === -1) return undefined;
    const line = this.#rest.toString('latin1', 0, end).replace(/\r$/, '');
    this.#rest = this.#rest.subarray(end + 1);
    return line;
  }
}

/** The first of that name, without the blanks around it. */
function fieldOf(fields: readonly string[], name: string): string | undefined {
  const line = fields.find((field) => field.slice(0, name.length + 1).toLowerCase() === `${name}:`);
  return line?.slice(name.length + 1).trim();
}

function notHttp(): Error {
  return new Error('the answer is not HTTP');
}
