// TCP sockets that are bound before they connect.
import { Socket } from 'node:net';
import { SOCK } from '../process/descriptor.ts';
import { openBoundSocket, type SocketSource } from './bound-socket.ts';

export interface BoundSocket {
  /** The socket, not connected yet: call its `connect`. */
  readonly socket: Socket;
  /** The local port, known before the first packet leaves. */
  readonly localPort: number;
}

/** A TCP socket that is bound to a local address and a port of its own. */
export function openBoundTcp(how: SocketSource): BoundSocket {
  const { descriptor, localPort } = openBoundSocket({
    name: 'bound TCP socket',
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
