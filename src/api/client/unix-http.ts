// HTTP/1.1 over a Unix socket: one request and its answer on each connection.
import { createConnection, type Socket } from 'node:net';
import { ChunkedDecoder } from './chunked-decoder.ts';

/**
 * HTTP/1.1 over a Unix socket, one request to a connection. node:http does the same, but loading it takes half as long as
 * starting Node does, and a command that lists an empty director does little else.
 */
export interface UnixRequest {
  readonly method: string;
  readonly path: string;
  /** JSON. */
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface UnixAnswer {
  readonly status: number;
  /** Pieces of the body as they arrive. Ends the connection when it is left. @throws Error when the body is cut short. */
  readonly body: AsyncIterable<Buffer>;
}

/**
 * Sends a request and resolves once the head of the answer is there.
 * @param socket Connected, or on its way; its time-out, where it has one, is the caller's to set.
 * @throws the socket's error, or an Error where the other end does not speak HTTP
 */
export async function exchange(socket: Socket, request: UnixRequest): Promise<UnixAnswer> {
  const { signal } = request;
  const abort = (): void => void socket.destroy(signal?.reason as Error);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  socket.once('close', () => signal?.removeEventListener('abort', abort));
  socket.write(requestText(request));
  const pieces = socket.iterator({ destroyOnReturn: true }) as AsyncIterator<Buffer>;
  const { status, headers, rest } = await readHead(pieces);
  return { status, body: bodyOf(pieces, { headers, rest, socket }) };
}

export function connectUnix(path: string): Socket {
  return createConnection({ path });
}

function requestText({ method, path, body }: UnixRequest): string {
  const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n`;
  if (body === undefined) return method === 'GET' ? `${head}\r\n` : `${head}content-length: 0\r\n\r\n`;
  const length = Buffer.byteLength(body);
  return `${head}content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`;
}

interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** The part of the body that has arrived. */
  readonly rest: Buffer;
}

const HEAD_END = '\r\n\r\n';
const MAX_HEAD_BYTES = 64 * 1024;

async function readHead(pieces: AsyncIterator<Buffer>): Promise<Head> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const { value, done } = await pieces.next();
    if (done) throw new Error('the connection was closed without an answer');
    bytes = Buffer.concat([bytes, value]);
    const end = bytes.indexOf(HEAD_END);
    if (end >= 0) return parseHead(bytes.toString('latin1', 0, end), bytes.subarray(end + HEAD_END.length));
    if (bytes.length > MAX_HEAD_BYTES) throw new Error('the header of the answer is too long');
  }
}

function parseHead(text: string, rest: Buffer): Head {
  const [first = '', ...lines] = text.split('\r\n');
  const [, status] = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first) ?? [];
  if (status === undefined) throw new Error('the answer is not HTTP');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(status), headers: new Map(headers), rest };
}

interface BodyStart extends Pick<Head, 'headers' | 'rest'> {
  readonly socket: Socket;
}

async function* bodyOf(
  pieces: AsyncIterator<Buffer>,
  { headers, rest, socket }: BodyStart,
): AsyncGenerator<Buffer> {
  const take = framing(headers);
  try {
    for (let piece = rest; ; ) {
      const { parts, isDone } = take(piece);
      yield* parts;
      if (isDone) return;
      const { value, done } = await pieces.next();
      if (done && headers.get('content-length') === undefined && !isChunked(headers)) return;
      if (done) throw new Error('the answer was cut off');
      piece = value;
    }
  } finally {
    socket.destroy();
  }
}

type Take = (piece: Buffer) => { readonly parts: readonly Buffer[]; readonly isDone: boolean };

/** Returns how the end of the body is found (RFC 9112, section 6.3). */
function framing(headers: Head['headers']): Take {
  if (isChunked(headers)) {
    const decoder = new ChunkedDecoder();
    return (piece) => ({ parts: decoder.push(piece), isDone: decoder.isDone });
  }
  let missing = Number(headers.get('content-length') ?? Number.POSITIVE_INFINITY);
  return (piece) => {
    const part = piece.subarray(0, missing);
    missing -= part.length;
    return { parts: [part], isDone: missing === 0 };
  };
}

function isChunked(headers: Head['headers']): boolean {
  return headers.get('transfer-encoding')?.toLowerCase() === 'chunked';
}
