// An HTTP client of the simulated network.
import type { Port } from '../../../forwarding/forwarding-table.ts';
import { formatIpv4, type Ipv4Address } from '../../../net/address/ipv4-address.ts';
import type { Host } from '../network/simulated-host.ts';
import type { TcpConnection } from './tcp-connection.ts';

export interface HttpTarget {
  readonly destination: Ipv4Address;
  readonly port: Port;
}

export interface HttpRequest {
  /** Sent as the body of a POST; 0 or left out: a GET. */
  readonly uploadBytes?: number;
  readonly timeoutMs: number;
}

/** The result of a request; failures are values. `server` is the name that the server gave. */
export type HttpResult =
  | { readonly ok: true; readonly server: string; readonly durationMs: number }
  | { readonly ok: false; readonly error: string; readonly durationMs: number };

/** Makes one request on a connection of its own. */
export async function requestHttp(host: Host, options: HttpTarget & HttpRequest): Promise<HttpResult> {
  const session = new HttpSession(host, options);
  const result = await session.request(options);
  session.close();
  return result;
}

/** A connection with its requests, one at a time. */
export class HttpSession {
  readonly #host: Host;
  readonly #target: HttpTarget;
  readonly #connection: TcpConnection;
  #text = '';
  #failure: string | undefined;
  #finish: ((error: string | undefined) => void) | undefined;

  constructor(host: Host, target: HttpTarget) {
    this.#host = host;
    this.#target = target;
    this.#connection = host.tcp.connect({
      destination: target.destination,
      port: target.port,
      listener: {
        data: (bytes) => {
          this.#text += Buffer.from(bytes).toString('latin1');
          if (serverIn(this.#text) !== undefined) this.#finish?.(undefined);
        },
        ended: () => this.#fail('the server closed the connection'),
        closed: (failure) => this.#fail(failure ?? 'the connection is closed'),
      },
    });
  }

  request({ uploadBytes = 0, timeoutMs }: HttpRequest): Promise<HttpResult> {
    const { loop } = this.#host.ip;
    const startedMs = loop.nowMs;
    if (this.#failure !== undefined) {
      return Promise.resolve({ ok: false, error: this.#failure, durationMs: 0 });
    }
    this.#text = '';
    return new Promise((resolve) => {
      const timeout = loop.schedule(timeoutMs, () => {
        this.#fail(`nothing after ${timeoutMs} ms`);
        this.#connection.abort();
      });
      this.#finish = (error) => {
        this.#finish = undefined;
        timeout.cancel();
        const durationMs = loop.nowMs - startedMs;
        const server = serverIn(this.#text);
        if (server === undefined) resolve({ ok: false, error: error ?? 'no answer', durationMs });
        else resolve({ ok: true, server, durationMs });
      };
      this.#connection.write(requestBytes(this.#target, uploadBytes));
    });
  }

  close(): void {
    this.#connection.end();
  }

  #fail(error: string): void {
    this.#failure ??= error;
    this.#finish?.(error);
  }
}

/** The name in a response that is complete. */
function serverIn(text: string): string | undefined {
  return /^HTTP\/1\.1 200 [^]*\r\n\r\n(\S+)\n$/.exec(text)?.[1];
}

function requestBytes({ destination }: HttpTarget, uploadBytes: number): Uint8Array {
  const method = uploadBytes === 0 ? 'GET' : 'POST';
  const head = [`${method} / HTTP/1.1`, `Host: ${formatIpv4(destination)}`, `Content-Length: ${uploadBytes}`];
  return Buffer.concat([
    Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'),
    Buffer.alloc(uploadBytes, 'x'),
  ]);
}
