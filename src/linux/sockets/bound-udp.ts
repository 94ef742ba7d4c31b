// UDP sockets that report ICMP errors.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { familyOf } from '../../net/address/ip-address.ts';
import { SOCK, SOL } from '../process/descriptor.ts';
import { openBoundSocket, type SocketSource } from './bound-socket.ts';

const IP_RECVERR = 11;
const IPV6_RECVERR = 25;

export interface BoundDatagramSocket {
  /** Bound, not connected yet. */
  readonly socket: Socket;
  readonly localPort: number;
}

/** A UDP socket that reports every ICMP error, also those that Linux keeps from others; close it at the first one. */
export async function openBoundUdp(how: SocketSource): Promise<BoundDatagramSocket> {
  const { descriptor, localPort } = openBoundSocket({
    name: 'bound UDP socket',
    type: SOCK.datagram,
    protocol: 0,
    ...how,
  });
  using opening = new DisposableStack();
  opening.use(descriptor);
  const family = familyOf(how.source);
  if (family === 4) descriptor.setOption(SOL.ip, IP_RECVERR, 1);
  else descriptor.setOption(SOL.ipv6, IPV6_RECVERR, 1);
  const type = `udp${family}` as const;
  const socket = createSocket({ type, lookup: (host, _options, found) => found(null, host, family) });
  opening.defer(() => socket.close());
  const listening = once(socket, 'listening');
  socket.bind({ fd: descriptor.fd, exclusive: true });
  await listening;
  opening.move();
  descriptor.release();
  return { socket, localPort };
}
