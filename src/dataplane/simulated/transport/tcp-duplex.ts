// A simulated TCP connection as a stream of Node.
import { Duplex } from 'node:stream';
import type { TcpConnection, TcpListener } from './tcp-connection.ts';

/** A connection of the simulated network as Node's protocol libraries take one. */
export class TcpDuplex extends Duplex {
  /** The listener for the connection, which is created after this. */
  readonly listener: TcpListener = {
    data: (bytes) => void this.push(bytes),
    ended: () => void this.push(null),
    closed: (failure) => {
      this.#isClosed = true;
      this.destroy(failure === undefined ? undefined : new Error(failure));
    },
  };
  #connection: TcpConnection | undefined;
  #isClosed = false;

  carryOn(connection: TcpConnection): void {
    this.#connection = connection;
  }

  // Received data is pushed at once: checks read little, and stop when they have enough.
  override _read(): void {
    return undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: (error?: Error) => void): void {
    if (this.#isClosed) return written(new Error('connection reset'));
    this.#connection?.write(chunk);
    written();
  }

  override _final(ended: () => void): void {
    if (!this.#isClosed) this.#connection?.end();
    ended();
  }

  /** Ends the connection by a reset, so that neither end waits. */
  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    if (!this.#isClosed) this.#connection?.abort();
    destroyed(error);
  }
}
