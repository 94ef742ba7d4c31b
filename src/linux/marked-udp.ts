import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Ipv4Address } from '../net/ipv4-address.ts';
import { SOCK } from './descriptor.ts';
import { openMarkedSocket } from './marked-socket.ts';

const SOL_IP = 0;
const IP_RECVERR = 11;

export interface MarkedDatagramSocket {
  /** Bound, not connected yet. */
  readonly socket: Socket;
  readonly localPort: number;
}

/** A UDP socket that reports every ICMP error, also those that Linux keeps from others; close it at the first one. */
export async function openMarkedUdp(
  mark: number | undefined,
  source: Ipv4Address | undefined,
): Promise<MarkedDatagramSocket> {
  const { descriptor, localPort } = openMarkedSocket({
    name: 'marked UDP socket',
    type: SOCK.datagram,
    protocol: 0,
    mark,
    source,
  });
  using opening = new DisposableStack();
  opening.use(descriptor);
  descriptor.setOption(SOL_IP, IP_RECVERR, 1);
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, found) => found(null, host, 4) });
  opening.defer(() => socket.close());
  const listening = once(socket, 'listening');
  socket.bind({ fd: descriptor.fd, exclusive: true });
  await listening;
  opening.move();
  descriptor.release();
  return { socket, localPort };
}
