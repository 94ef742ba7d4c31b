import { connect, type Socket } from 'node:net';
import type { Port } from '../forwarding/table.ts';
import { formatIp, type IpAddress } from '../net/ip-address.ts';
import type { CheckStream } from './check-connector.ts';
import { networkError } from './network-words.ts';

/**
 * Opens a TCP connection as routing has it.
 * @throws Error saying what the network answered, or the signal's reason.
 */
export async function connectDirect(
  address: IpAddress,
  port: Port,
  signal: AbortSignal,
): Promise<CheckStream> {
  signal.throwIfAborted();
  return connected(connect({ host: formatIp(address), port }), signal);
}

/** As `connectDirect`, with a socket that is connecting already. */
export async function connected(socket: Socket, signal: AbortSignal): Promise<CheckStream> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = (): void => {
    const reason = signal.reason as Error;
    reject(reason);
    socket.destroy(reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', abort));
  socket.once('connect', resolve);
  socket.on('error', (error) => reject(networkError(error)));
  await promise;
  return { stream: socket, [Symbol.dispose]: () => void (socket.destroyed || socket.resetAndDestroy()) };
}
