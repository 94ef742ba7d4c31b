import { randomBytes } from 'node:crypto';
import { ANY_ADDRESS } from '../../linux/address-family.ts';
import { EchoSocket } from '../../linux/echo-socket.ts';
import { errnoOf } from '../../linux/errno.ts';
import { readU16 } from '../../net/bytes.ts';
import { buildIcmp, ICMP_HEADER_BYTES, ICMP_TYPE } from '../../net/icmp.ts';
import { IPV4_HEADER_BYTES, PROTOCOL, parseIpv4Header, parseQuotedIpv4Header } from '../../net/ipv4.ts';
import type { Ipv4Address } from '../../net/ipv4-address.ts';
import { networkError } from '../network-words.ts';

export interface PingRoute {
  readonly destination: Ipv4Address;
  readonly mark?: number;
  readonly source?: Ipv4Address;
  /** Called with the identifier before the request leaves; returns how to end that. */
  readonly register?: (identifier: number) => () => void;
}

interface Waiting {
  readonly destination: Ipv4Address;
  readonly token: Uint8Array;
  settle(error: Error | undefined): void;
}

const IDENTIFIERS = 1 << 16;
const TOKEN_BYTES = 16;
const UNREACHABLE = ['network unreachable', 'no route to host', 'protocol unreachable', 'port unreachable'];

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
    this.#waiting.set(identifier, { destination: route.destination, token, settle });
    ending.defer(() => this.#waiting.delete(identifier));
    const unregister = route.register?.(identifier);
    if (unregister !== undefined) ending.defer(unregister);
    signal.addEventListener('abort', abort, { once: true });
    ending.defer(() => signal.removeEventListener('abort', abort));
    const rest = ((identifier << 16) | 1) >>> 0;
    const request = buildIcmp({ type: ICMP_TYPE.echoRequest, code: 0, rest, payload: token });
    try {
      this.#socketFor(route).send(request, route.destination);
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

  #socketFor({ mark, source }: PingRoute): EchoSocket {
    const key = `${mark} ${source}`;
    const known = this.#sockets.get(key);
    if (known !== undefined) return known;
    const socket = new EchoSocket({ mark, source: source ?? ANY_ADDRESS[4] }, (packet) =>
      this.#receive(packet),
    );
    this.#sockets.set(key, socket);
    return socket;
  }

  #receive(packet: Uint8Array): void {
    const header = parseIpv4Header(packet);
    if (typeof header === 'string') return;
    const at = header.headerBytes;
    if (header.totalLength < at + ICMP_HEADER_BYTES) return;
    if (packet[at] !== ICMP_TYPE.echoReply) return this.#receiveError(packet, at);
    const waiting = this.#waiting.get(readU16(packet, at + 4));
    if (waiting === undefined || waiting.destination !== header.source) return;
    const data = packet.subarray(at + ICMP_HEADER_BYTES, header.totalLength);
    if (Buffer.compare(data, waiting.token) === 0) waiting.settle(undefined);
  }

  /** An error quotes the request, from its IP header on. */
  #receiveError(packet: Uint8Array, at: number): void {
    const quotedAt = at + ICMP_HEADER_BYTES;
    if (packet.length < quotedAt + IPV4_HEADER_BYTES + ICMP_HEADER_BYTES) return;
    const quoted = parseQuotedIpv4Header(packet, quotedAt);
    if (typeof quoted === 'string' || quoted.protocol !== PROTOCOL.icmp) return;
    const icmpAt = quotedAt + quoted.headerBytes;
    if (packet.length < icmpAt + ICMP_HEADER_BYTES || packet[icmpAt] !== ICMP_TYPE.echoRequest) return;
    const waiting = this.#waiting.get(readU16(packet, icmpAt + 4));
    if (waiting === undefined || waiting.destination !== quoted.destination) return;
    const isTime = packet[at] === ICMP_TYPE.timeExceeded;
    const words = isTime ? 'time to live exceeded' : UNREACHABLE[packet[at + 1] ?? -1];
    waiting.settle(new Error(words ?? 'unreachable'));
  }
}
