import { Socket } from 'node:net';
import { SOCK } from './descriptor.ts';
import { openMarkedSocket, type SocketSource } from './marked-socket.ts';

export interface MarkedSocket {
  /** Not connected yet: call its `connect`. */
  readonly socket: Socket;
  /** The local port, known before the first packet leaves. */
  readonly localPort: number;
}

/** A TCP socket whose packets policy routing can tell by their mark, bound to a local address and a port of its own. */
export function openMarkedTcp(how: SocketSource): MarkedSocket {
  const { descriptor, localPort } = openMarkedSocket({
    name: 'marked TCP socket',
    type: SOCK.stream,
    protocol: 0,
    ...how,
  });
  using opening = new DisposableStack();
  opening.use(descriptor);
  // Without `manualStart` the stream would read at once, before it is connected, and fail.
  const options = { fd: descriptor.fd, manualStart: true };
  const socket = new Socket(options);
  opening.move();
  descriptor.release();
  return { socket, localPort };
}
