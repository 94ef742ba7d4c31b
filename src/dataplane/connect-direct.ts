import { connect, type Socket } from 'node:net';
import type { Port } from '../forwarding/table.ts';
import { formatIpv4, type Ipv4Address } from '../net/ipv4-address.ts';

const REFUSALS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  // What a host without decapsulation says to a tunnel packet.
  ENOPROTOOPT: 'protocol unreachable',
  ETIMEDOUT: 'no answer',
};

/**
 * Opens a TCP connection as routing has it, and ends it by a reset, which leaves no TIME_WAIT behind: thousands of
 * checks would fill the table of ports with them.
 * @throws Error saying what the network answered, or the signal's reason.
 */
export async function connectDirect(address: Ipv4Address, port: Port, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await connectAndReset(connect({ host: formatIpv4(address), port }), signal);
}

/** As `connectDirect`, with a socket that is connecting already. */
export async function connectAndReset(socket: Socket, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  socket.once('connect', resolve);
  socket.on('error', (error: NodeJS.ErrnoException) =>
    reject(new Error(REFUSALS[error.code ?? ''] ?? error.message, { cause: error })),
  );
  try {
    await promise;
  } finally {
    signal.removeEventListener('abort', abort);
    socket.resetAndDestroy();
  }
}
