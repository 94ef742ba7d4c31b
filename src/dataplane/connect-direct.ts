// Connections of checks that go direct, as the host's routing has it.
import { connect, type Socket } from 'node:net';
import { ANY_ADDRESS } from '../linux/sockets/address-family.ts';
import type { SocketSource } from '../linux/sockets/bound-socket.ts';
import { openBoundTcp } from '../linux/sockets/bound-tcp.ts';
import { familyOf, formatIp } from '../net/address/ip-address.ts';
import type { CheckStream, CheckTarget } from './check-connector.ts';
import { networkError } from './network-words.ts';

export type DirectTarget = Extract<CheckTarget, { via: 'direct' }>;

/**
 * Opens a TCP connection by the kernel's routing.
 * @throws Error that says what the network answered, or the signal's reason
 */
export async function connectDirect(target: DirectTarget, signal: AbortSignal): Promise<CheckStream> {
  signal.throwIfAborted();
  const to = { host: formatIp(target.address), port: target.port };
  const socket = target.from === undefined ? connect(to) : openBoundTcp(sourceOf(target)).socket.connect(to);
  return connected(socket, signal);
}

export function sourceOf({ address, from = {} }: DirectTarget): SocketSource {
  return { source: ANY_ADDRESS[familyOf(address)], ...renamed(from) };
}

function renamed({ address, ...others }: NonNullable<DirectTarget['from']>): Partial<SocketSource> {
  return address === undefined ? others : { ...others, source: address };
}

/** Waits until a socket that is connecting is connected; otherwise the same as `connectDirect`. */
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
