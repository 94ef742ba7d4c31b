import { Duplex } from 'node:stream';

const REQUEST_LINE = /^([A-Z]+ \S+ HTTP\/1\.)1\r\n/;

/** Node's client speaks HTTP/1.1 only: between it and the server this makes the request one of HTTP/1.0. */
export class Http10Stream extends Duplex {
  readonly #inner: Duplex;
  #isFirst = true;

  constructor(inner: Duplex) {
    super();
    this.#inner = inner;
    inner.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) inner.pause();
    });
    inner.once('end', () => void this.push(null));
    inner.once('error', (error: Error) => void this.destroy(error));
    inner.once('close', () => void this.destroy());
  }

  override _read(): void {
    this.#inner.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    const bytes = this.#isFirst ? asHttp10(chunk) : chunk;
    this.#isFirst = false;
    this.#inner.write(bytes, written);
  }
}

/** The client writes the request line and the fields at once. */
function asHttp10(head: Buffer): Buffer {
  return Buffer.from(head.toString('latin1').replace(REQUEST_LINE, '$10\r\n'), 'latin1');
}
