/** A real server that means harm, in a process of its own: sends what `HOSTILE` has, as fast as it is taken. */
import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';

interface Hostile {
  readonly begin: string;
  readonly again: Buffer;
  /** One byte to a segment. */
  readonly drips?: boolean;
}

export type HostileKind =
  | 'interim responses'
  | 'one-byte chunks'
  | 'a chunk extension'
  | 'empty lines between chunks'
  | 'a chunk size'
  | 'trailers'
  | 'header fields'
  | 'a header field'
  | 'a body'
  | 'a drip'
  | 'a drip of chunks'
  | 'rubbish'
  | 'reply lines'
  | 'a reply line';

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const many = (text: string): Buffer => Buffer.from(text.repeat(Math.ceil(65_536 / text.length)), 'latin1');

/** Each without an end. */
export const HOSTILE: Record<HostileKind, Hostile> = {
  'interim responses': { begin: '', again: many('HTTP/1.1 100 Continue\r\n\r\n') },
  'one-byte chunks': { begin: CHUNKED, again: many('1\r\nx\r\n') },
  'a chunk extension': { begin: `${CHUNKED}1;`, again: many('name=value;') },
  'empty lines between chunks': { begin: `${CHUNKED}1\r\nx\r\n`, again: many('\n') },
  'a chunk size': { begin: CHUNKED, again: many('0') },
  trailers: { begin: `${CHUNKED}0\r\n`, again: many('x: y\r\n') },
  'header fields': { begin: OK, again: many('x: y\r\n') },
  'a header field': { begin: `${OK}x: `, again: many('y') },
  'a body': { begin: `${OK}\r\n`, again: many('body ') },
  'a drip': { begin: OK, again: Buffer.from('x'), drips: true },
  'a drip of chunks': { begin: CHUNKED, again: Buffer.from('1\r\nx\r\n'), drips: true },
  rubbish: { begin: '', again: randomBytes(65_536) },
  'reply lines': { begin: '', again: many('220-x\r\n') },
  'a reply line': { begin: '220-', again: many('x') },
};

if (process.send !== undefined) {
  const kind = process.argv[2] as HostileKind;
  const server = createServer({ noDelay: true }, (socket) => harm(socket, HOSTILE[kind])).listen(
    0,
    '127.0.0.1',
    () => process.send?.((server.address() as { port: number }).port),
  );
}

function harm(socket: Socket, { begin, again, drips = false }: Hostile): void {
  socket.on('error', () => undefined).resume();
  socket.write(begin, 'latin1');
  const pieces = drips ? Array.from(again, (byte) => Buffer.of(byte)) : [again];
  const go = (): void => {
    for (let round = 0; round < 64 && !socket.destroyed; round++)
      for (const piece of pieces) socket.write(piece);
    if (!socket.writableNeedDrain && !socket.destroyed) setImmediate(go);
  };
  socket.on('drain', go);
  go();
}
