// Sends echo requests, and waits for their replies.
import { randomBytes } from 'node:crypto';
import { errnoOf } from '../../../linux/errno.ts';
import { ANY_ADDRESS } from '../../../linux/sockets/address-family.ts';
import { EchoSocket } from '../../../linux/sockets/icmp/echo-socket.ts';
import { familyOf, type IpAddress } from '../../../net/address/ip-address.ts';
import { networkError } from '../../network-words.ts';
import { buildEchoRequest, readEchoAnswer } from './echo-message.ts';

/** Runs what opens a socket where the socket is to be. */
export type SocketPlace = <T>(open: () => T) => T;

export interface PingRoute {
  readonly destination: IpAddress;
  readonly mark?: number | undefined;
  /** Has the socket opened in another network namespace; undefined: in the host's. */
  readonly within?: SocketPlace;
  /** An address of the destination's family. */
  readonly source?: IpAddress;
  readonly interface?: string | undefined;
  /** Called with the identifier before the request leaves; returns the function that ends that. */
  readonly register?: (identifier: number) => () => void;
}

interface Waiting {
  readonly destination: IpAddress;
  readonly token: Uint8Array;
  settle(error: Error | undefined): void;
}

const here: SocketPlace = (open) => open();
const IDENTIFIERS = 1 << 16;
const TOKEN_BYTES = 16;

/** Echo requests of any number of checks over one socket for each way out. */
export class Pinger implements Disposable {
  readonly #sockets = new Map<string, EchoSocket>();
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  async ping(route: PingRoute, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const settle = (error: Error | undefined): void => (error === undefined ? resolve() : reject(error));
    const abort = (): void => reject(signal.reason as Error);
    using ending = new DisposableStack();
    const identifier = this.#freeIdentifier();
    const token = randomBytes(TOKEN_BYTES);
    const { destination } = route;
    this.#waiting.set(identifier, { destination, token, settle });
    ending.defer(() => this.#waiting.delete(identifier));
    const unregister = route.register?.(identifier);
    if (unregister !== undefined) ending.defer(unregister);
    signal.addEventListener('abort', abort, { once: true });
    ending.defer(() => signal.removeEventListener('abort', abort));
    try {
      this.#socketFor(route).send(
        buildEchoRequest({ family: familyOf(destination), identifier, token }),
        destination,
      );
    } catch (error) {
      throw networkError(Object.assign(error as Error, { code: errnoOf(error) }));
    }
    await promise;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets.values()) socket[Symbol.dispose]();
    this.#sockets.clear();
  }

  #freeIdentifier(): number {
    for (let tried = 0; tried < IDENTIFIERS; tried++) {
      this.#last = (this.#last + 1) % IDENTIFIERS;
      if (!this.#waiting.has(this.#last)) return this.#last;
    }
    throw new Error('too many echo requests are under way');
  }

  #socketFor(route: PingRoute): EchoSocket {
    const { mark, within = here, source = ANY_ADDRESS[familyOf(route.destination)] } = route;
    const key = `${within === here} ${mark} ${familyOf(source)} ${source} ${route.interface}`;
    const known = this.#sockets.get(key);
    if (known !== undefined) return known;
    const receive = (packet: Uint8Array): void => this.#receive(packet);
    const socket = within(() => new EchoSocket({ mark, source, interface: route.interface }, receive));
    this.#sockets.set(key, socket);
    return socket;
  }

  #receive(packet: Uint8Array): void {
    const answer = readEchoAnswer(packet);
    const waiting = answer && this.#waiting.get(answer.identifier);
    if (waiting === undefined || answer?.destination !== waiting.destination) return;
    if (answer.trouble !== undefined) waiting.settle(new Error(answer.trouble));
    else if (Buffer.compare(answer.data, waiting.token) === 0) waiting.settle(undefined);
  }
}
