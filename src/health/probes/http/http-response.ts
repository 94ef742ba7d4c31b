// Reads the answer to an HTTP check, at a cost that depends on its length only, however it is cut into pieces.

/** Longer than any server's head; interim responses count as well. */
const LONGEST_HEAD_BYTES = 65_536;
const MOST_INTERIM_RESPONSES = 16;
/** The limit of a chunk's size line, and of all trailers. */
const LONGEST_FRAMING_BYTES = 16_384;
const MOST_CHUNKS = 65_536;
/** The limit of the whole answer. A check that fetches more than this from its real every few seconds is a mistake. */
export const LONGEST_ANSWER_BYTES: number = 64 * 2 ** 20;
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: |$)/;
const LF = 10;
const CR = 13;
const MOST_DIGITS = 12;

/** The part of the answer that is being read; `until-end` and `counted` are bodies without chunks. */
type State = 'head' | 'until-end' | 'counted' | 'size' | 'extension' | 'data' | 'trailer';

/**
 * Reads one answer of HTTP/1.0 or 1.1 (RFC 9112) from the bytes of a connection. Pure, and no more than a check needs;
 * Node's own client asks in HTTP/1.1 only.
 * @throws Error from `push` and `end` that says what is wrong with the answer
 */
export class HttpResponse {
  readonly #onBody: (bytes: Buffer) => void;
  #state: State = 'head';
  #bytes = 0;
  /** The part of the head read so far. */
  #head = '';
  #headBytes = 0;
  #interim = 0;
  #chunks = 0;
  /** Bytes of the line that is being read, without its end; a lone CR before the end does not count. */
  #lineBytes = 0;
  #framingBytes = 0;
  /** The digits of a chunk's size read so far. */
  #digits = 0;
  #size = 0;
  /** The number of bytes left of the body or chunk. */
  #left = 0;
  /** The data of all chunks in one piece of input: a body of one-byte chunks is not a million calls. */
  #data: Buffer | undefined;
  #dataBytes = 0;
  /** 0 until the head is there. */
  status = 0;
  isComplete = false;

  /** @param onBody is called at most once for each `push`; the bytes stay as they are afterwards */
  constructor(onBody: (bytes: Buffer) => void) {
    this.#onBody = onBody;
  }

  push(bytes: Buffer): void {
    this.#bytes += bytes.length;
    for (let at = 0; at < bytes.length && !this.isComplete; ) at = this.#take(bytes, at);
    if (this.#data !== undefined) this.#onBody(this.#data.subarray(0, this.#dataBytes));
    this.#data = undefined;
    if (!this.isComplete && this.#bytes > LONGEST_ANSWER_BYTES)
      throw new Error(`the answer is longer than ${LONGEST_ANSWER_BYTES} bytes`);
  }

  /** The server has closed. */
  end(): void {
    if (this.isComplete) return;
    if (this.#bytes === 0) throw new Error('the server closed without an answer');
    if (this.#state !== 'until-end') throw new Error('the answer was cut off');
    this.isComplete = true;
  }

  /** @returns where the next part begins, which is always further on */
  #take(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#takeHead(bytes, at);
      case 'until-end':
        this.#onBody(bytes.subarray(at));
        return bytes.length;
      case 'counted':
        return this.#takeCounted(bytes, at);
      case 'data':
        return this.#takeData(bytes, at);
      case 'size':
        return this.#takeSize(bytes, at);
      case 'extension':
        return this.#takeExtension(bytes, at);
      default:
        return this.#takeTrailer(bytes, at);
    }
  }

  #takeHead(bytes: Buffer, from: number): number {
    const end = this.#findEmptyLine(bytes, from);
    const to = end ?? bytes.length;
    this.#head += bytes.toString('latin1', from, to);
    this.#headBytes += to - from;
    if (!'HTTP/'.startsWith(this.#head.slice(0, 5)) || this.#headBytes > LONGEST_HEAD_BYTES) throw notHttp();
    if (end !== undefined) this.#endHead();
    return to;
  }

  #endHead(): void {
    const [first = '', ...fields] = this.#head.split(/\r?\n/);
    this.#head = '';
    const status = Number(STATUS_LINE.exec(first)?.[1] ?? 0);
    if (status < 100) throw notHttp();
    if (status === 101) throw new Error('HTTP status 101: the check did not ask for another protocol');
    // The other 1xx are interim responses, the final one follows.
    if (status >= 200) this.#begin(status, fields);
    else if (++this.#interim > MOST_INTERIM_RESPONSES)
      throw new Error(`the answer begins with more than ${MOST_INTERIM_RESPONSES} interim responses`);
  }

  #begin(status: number, fields: readonly string[]): void {
    this.status = status;
    const length = fieldOf(fields, 'content-length');
    const isChunked = /(^|[\s,])chunked$/i.test(fieldOf(fields, 'transfer-encoding') ?? '');
    if (status === 204 || status === 304) this.isComplete = true;
    else if (isChunked) this.#expectSize();
    else if (length === undefined) this.#state = 'until-end';
    else if (!/^\d{1,15}$/.test(length)) throw notHttp();
    else {
      this.#state = 'counted';
      this.#left = Number(length);
      this.isComplete = this.#left === 0;
    }
  }

  #takeCounted(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left);
    this.#onBody(bytes.subarray(from, to));
    this.#left -= to - from;
    this.isComplete = this.#left === 0;
    return to;
  }

  #expectSize(): void {
    this.#state = 'size';
    this.#digits = 0;
    this.#size = 0;
    this.#framingBytes = 0;
  }

  /** Reads a chunk's size. An empty line may come before its digits: the end of the previous chunk. */
  #takeSize(bytes: Buffer, at: number): number {
    const byte = bytes[at] ?? 0;
    const digit = hexDigit(byte);
    this.#countFraming(1);
    if (digit !== undefined) {
      this.#size = this.#size * 16 + digit;
      if (++this.#digits > MOST_DIGITS) throw notHttp();
    } else if (this.#digits === 0) {
      if (byte !== CR && byte !== LF) throw notHttp();
    } else if (byte === LF) this.#endSize();
    else if (isBlankOrSemicolon(byte)) this.#state = 'extension';
    else throw notHttp();
    return at + 1;
  }

  #takeExtension(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(LF, from);
    const to = end === -1 ? bytes.length : end + 1;
    this.#countFraming(to - from);
    if (end !== -1) this.#endSize();
    return to;
  }

  #endSize(): void {
    if (++this.#chunks > MOST_CHUNKS) throw new Error(`the answer has more than ${MOST_CHUNKS} chunks`);
    this.#state = this.#size === 0 ? 'trailer' : 'data';
    this.#left = this.#size;
    this.#lineBytes = 0;
  }

  #takeData(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left);
    if (this.#data === undefined) {
      this.#data = Buffer.allocUnsafe(bytes.length);
      this.#dataBytes = 0;
    }
    this.#dataBytes += bytes.copy(this.#data, this.#dataBytes, from, to);
    this.#left -= to - from;
    if (this.#left === 0) this.#expectSize();
    return to;
  }

  #takeTrailer(bytes: Buffer, from: number): number {
    const end = this.#findEmptyLine(bytes, from);
    const to = end ?? bytes.length;
    this.#countFraming(to - from);
    this.isComplete = end !== undefined;
    return to;
  }

  #countFraming(bytes: number): void {
    this.#framingBytes += bytes;
    if (this.#framingBytes > LONGEST_FRAMING_BYTES) throw notHttp();
  }

  /** @returns where what is behind the next empty line begins; undefined: there is none yet */
  #findEmptyLine(bytes: Buffer, from: number): number | undefined {
    for (let at = from; ; ) {
      const end = bytes.indexOf(LF, at);
      const to = end === -1 ? bytes.length : end;
      const crAtEnd = to > at && bytes[to - 1] === CR;
      this.#lineBytes += to - at - (crAtEnd ? 1 : 0);
      if (end === -1) return undefined;
      const isEmpty = this.#lineBytes === 0;
      this.#lineBytes = 0;
      if (isEmpty) return end + 1;
      at = end + 1;
    }
  }
}

function hexDigit(byte: number): number | undefined {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : undefined;
}

function isBlankOrSemicolon(byte: number): boolean {
  return byte === 59 || byte === 32 || (byte >= 9 && byte <= 13);
}

/** The first of that name, without the blanks around it. */
function fieldOf(fields: readonly string[], name: string): string | undefined {
  const line = fields.find((field) => field.slice(0, name.length + 1).toLowerCase() === `${name}:`);
  return line?.slice(name.length + 1).trim();
}

function notHttp(): Error {
  return new Error('the answer is not HTTP');
}
