// An HTTP server of the simulated network.
import type { Port } from '../../../forwarding/forwarding-table.ts';
import type { TcpConnection, TcpListener } from './tcp-connection.ts';
import type { TcpStack } from './tcp-stack.ts';

const HEADER_END = '\r\n\r\n';

/**
 * Serves HTTP/1.1 on a port: every request, once its body has come, is answered with the server's name. The connection
 * stays open for further requests unless one says that it is the last.
 */
export class HttpServer {
  readonly #tcp: TcpStack;
  readonly #port: Port;
  readonly #name: string;
  readonly #open = new Set<() => TcpConnection>();
  requests = 0;

  constructor(tcp: TcpStack, port: Port, name: string) {
    this.#tcp = tcp;
    this.#port = port;
    this.#name = name;
  }

  start(): void {
    this.#tcp.listen(this.#port, (connection) => this.#serve(connection));
  }

  /** Acts as if the process were killed: open connections are reset, further ones refused. */
  kill(): void {
    this.#tcp.stopListening(this.#port);
    for (const connection of this.#open) connection().abort();
  }

  #serve(connection: () => TcpConnection): TcpListener {
    const reader = new RequestReader();
    this.#open.add(connection);
    return {
      data: (bytes) => {
        for (const { isLast } of reader.add(bytes)) {
          this.requests++;
          connection().write(response(this.#name));
          if (isLast) return connection().end();
        }
      },
      ended: () => connection().end(),
      closed: () => this.#open.delete(connection),
    };
  }
}

/** Finds where requests end; bodies are passed over. */
class RequestReader {
  #head = '';
  #body: { missing: number; readonly isLast: boolean } | undefined;

  /** The requests that these bytes complete. */
  add(bytes: Uint8Array): { readonly isLast: boolean }[] {
    const complete: { readonly isLast: boolean }[] = [];
    let rest = bytes;
    while (rest.length > 0 || this.#body?.missing === 0) {
      rest = this.#body === undefined ? this.#takeHead(rest) : this.#takeBody(rest, this.#body);
      if (this.#body?.missing !== 0) continue;
      complete.push(this.#body);
      this.#body = undefined;
    }
    return complete;
  }

  #takeHead(bytes: Uint8Array): Uint8Array {
    const known = this.#head.length;
    this.#head += Buffer.from(bytes).toString('latin1');
    const end = this.#head.indexOf(HEADER_END);
    if (end === -1) return new Uint8Array(0);
    const fields = this.#head.slice(0, end);
    this.#head = '';
    this.#body = {
      missing: Number(/\r\ncontent-length: *(\d+)/i.exec(fields)?.[1] ?? 0),
      isLast: /\r\nconnection: *close/i.test(fields),
    };
    return bytes.subarray(end + HEADER_END.length - known);
  }

  #takeBody(bytes: Uint8Array, body: { missing: number }): Uint8Array {
    const taken = Math.min(body.missing, bytes.length);
    body.missing -= taken;
    return bytes.subarray(taken);
  }
}

function response(name: string): Uint8Array {
  const body = `${name}\n`;
  const head = ['HTTP/1.1 200 OK', `Server: ${name}`, `Content-Length: ${body.length}`];
  return Buffer.from(head.join('\r\n') + HEADER_END + body, 'latin1');
}
