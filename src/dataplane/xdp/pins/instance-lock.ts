// The lock that keeps two directors from one set of pins.
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { CulvertError } from '../../../errors.ts';
import { errnoOf } from '../../../linux/errno.ts';

const PATIENCE_MS = 500;

/**
 * Keeps a second director off an interface. The lock is an abstract Unix socket: it belongs to the network namespace, as the
 * interface does, and the kernel frees it however the process ends. A process that connects gets the holder's pid.
 */
export class InstanceLock implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws CulvertError ALREADY_RUNNING */
  static async take(interfaceName: string, ifIndex: number): Promise<InstanceLock> {
    const path = `\0culvert/${ifIndex}`;
    const server = createServer((asker) => {
      asker.on('error', () => undefined);
      asker.end(String(process.pid));
    });
    try {
      server.listen({ path });
      await once(server, 'listening');
    } catch (cause) {
      if (errnoOf(cause) !== 'EADDRINUSE') throw cause;
      const pid = await askHolder(path);
      const holder = pid === undefined ? 'another director' : `another director (pid ${pid})`;
      const advice = 'fix: stop it first, or reload its configuration instead';
      throw new CulvertError('ALREADY_RUNNING', `${holder} holds this interface: ${advice}`, {
        where: interfaceName,
        cause,
      });
    }
    server.unref();
    return new InstanceLock(server);
  }

  async release(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

async function askHolder(path: string): Promise<string | undefined> {
  const socket = connect({ path });
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  const answer: Buffer[] = [];
  socket.on('data', (bytes) => answer.push(bytes));
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return /^\d+$/.exec(Buffer.concat(answer).toString())?.[0];
}
