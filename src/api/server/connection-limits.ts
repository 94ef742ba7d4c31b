// Limits on how many connections a server of the API has open, in all and for each client.
import type { Server, Socket } from 'node:net';

/** The number of connections that a server accepts at a time; further ones are closed at once. */
export interface ConnectionLimits {
  readonly connections: number;
  /** The number from one address; undefined: no other limit than the total. */
  readonly perClient?: number | undefined;
  /** Called when some were closed, at most once a minute, with why. */
  readonly onRefused: (reason: string) => void;
}

const QUIET_MS = 60_000;

/** Keeps clients that open connections and do not use them from taking every descriptor of the process. */
export function limitConnections(server: Server, limits: ConnectionLimits): void {
  const { connections, perClient = connections, onRefused } = limits;
  const open = new Map<string, number>();
  let reportedMs = -Infinity;
  const refused = (reason: string): void => {
    if (performance.now() - reportedMs < QUIET_MS) return;
    reportedMs = performance.now();
    onRefused(reason);
  };
  server.maxConnections = connections;
  server.on('drop', () => refused(`all ${connections} connections that this listener allows are open`));
  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (open.get(address) ?? 0) + 1;
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
    if (count <= perClient) return;
    socket.destroy();
    refused(`${address} has ${perClient} connections open, which is the limit for one client`);
  });
}
