import { Socket } from 'node:net';
import type { Ipv4Address } from '../net/ipv4-address.ts';
import { AF, openSocket, SOCK, SOL } from './descriptor.ts';
import { checked } from './errno.ts';
import { libc } from './libc.ts';
import { socketAddress } from './raw-socket.ts';

export interface MarkedSocket {
  /** Not connected yet: call its `connect`. */
  readonly socket: Socket;
  /** The local port, known before the first packet leaves. */
  readonly localPort: number;
}

const SO_MARK = 36;
const ADDRESS_BYTES = 16;
const PORT_AT = 2;

/** A TCP socket whose packets policy routing can tell by their mark, bound to a local address and a port of its own. */
export function openMarkedTcp(mark: number, source: Ipv4Address): MarkedSocket {
  const descriptor = openSocket('marked TCP socket', { domain: AF.inet, type: SOCK.stream, protocol: 0 });
  try {
    descriptor.setOption(SOL.socket, SO_MARK, mark);
    const address = socketAddress(source, 0);
    checked('bind a marked TCP socket', libc.bind(descriptor.fd, address, address.length));
    const bound = Buffer.alloc(ADDRESS_BYTES);
    const length = Uint8Array.of(ADDRESS_BYTES, 0, 0, 0);
    checked('read the port of a marked TCP socket', libc.getsockname(descriptor.fd, bound, length));
    // Without `manualStart` the stream would read at once, before it is connected, and fail.
    const options = { fd: descriptor.fd, manualStart: true };
    const socket = new Socket(options);
    descriptor.release();
    return { socket, localPort: bound.readUInt16BE(PORT_AT) };
  } catch (error) {
    descriptor.close();
    throw error;
  }
}
