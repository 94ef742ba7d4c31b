// Sends a datagram and waits for the answer that is accepted.
import type { Socket } from 'node:dgram';
import type { Port } from '../forwarding/forwarding-table.ts';
import { formatIp, type IpAddress } from '../net/address/ip-address.ts';
import type { UdpRequest } from './check-connector.ts';
import { networkError } from './network-words.ts';

/**
 * The most answers that are skipped. Late answers to earlier questions are few; listening to a server that sends more would delay
 * other checks.
 */
const MOST_REFUSED = 1000;

/** Sends a datagram by a bound socket, which is connected so that ICMP errors reach it, and closes it after the answer. */
export async function exchangeOn(
  socket: Socket,
  to: { readonly address: IpAddress; readonly port: Port },
  { payload, accept = () => true }: UdpRequest,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const abort = (): void => reject(signal.reason as Error);
  const fail = (error: NodeJS.ErrnoException | null): void => {
    if (error !== null) reject(networkError(error));
  };
  signal.addEventListener('abort', abort, { once: true });
  socket.on('error', fail);
  let refused = 0;
  socket.on('message', (message) => {
    if (accept(message)) resolve(message);
    else if (++refused >= MOST_REFUSED) reject(new Error(`${MOST_REFUSED} answers to other questions came`));
  });
  try {
    signal.throwIfAborted();
    socket.connect(to.port, formatIp(to.address), () => socket.send(payload, fail));
    return await promise;
  } finally {
    signal.removeEventListener('abort', abort);
    socket.close();
  }
}
