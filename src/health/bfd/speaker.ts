// The sockets of BFD (RFC 5881, RFC 5883).
import { randomInt } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type ReceivedDatagram, UdpReceiver } from '../../linux/sockets/udp-receiver.ts';
import { familyOf, type IpFamily } from '../../net/address/ip-address.ts';
import { CONTROL_PACKET_BYTES, decodeControlPacket } from './control-packet.ts';
import { type BfdNeighbor, isNearEnough, sessionKey } from './neighbor.ts';
import { RunningSession } from './running-session.ts';
import type { BfdListener, BfdSessions } from './sessions.ts';

/** RFC 5881, section 4; RFC 5883, section 5. */
const PORTS = { singleHop: 3784, multihop: 4784 } as const;
/** Kept by the kernel while the process stands still: some ten thousand packets, of a thousand sessions those of seconds. */
const RECEIVE_BYTES = 8 << 20;
const PACKETS_IN_A_ROW = 256;
const RETRY_MS = 1000;
const DISCRIMINATORS = 2 ** 32;

/** The receiver of one port. */
interface Ear {
  readonly family: IpFamily;
  readonly port: number;
  receiver: UdpReceiver | undefined;
  /** The reason why there is no receiver. */
  error: Error | undefined;
  retry: NodeJS.Timeout | undefined;
}

/** All sessions of a process: one for each neighbour, however many ask for it. Sockets are open while there are sessions. */
export class BfdSpeaker implements BfdSessions {
  readonly #sessions = new Map<string, RunningSession>();
  readonly #byDiscriminator = new Map<number, RunningSession>();
  readonly #ears = new Map<string, Ear>();

  open(neighbor: BfdNeighbor, listener: BfdListener): Disposable {
    const session = this.#sessionWith(neighbor);
    session.listen(listener);
    return {
      [Symbol.dispose]: () => {
        session.unlisten(listener);
        if (!session.hasListeners && !session.ended) session.end();
      },
    };
  }

  /** Ends all sessions, and tells each peer once. */
  close(): void {
    for (const session of this.#sessions.values()) this.#replace(session);
  }

  #sessionWith(neighbor: BfdNeighbor): RunningSession {
    const key = sessionKey(neighbor);
    const present = this.#sessions.get(key);
    if (present !== undefined && !present.ended && isDeepStrictEqual(present.neighbor, neighbor))
      return present;
    if (present !== undefined) this.#replace(present);
    const ear = this.#earFor(neighbor);
    const session = new RunningSession({
      neighbor,
      localDiscriminator: this.#freeDiscriminator(),
      port: ear.port,
      catchUp: () => this.#hear(ear, Infinity),
      deafness: () => ear.error,
      onEnd: () => this.#forget(session),
    });
    this.#sessions.set(key, session);
    this.#byDiscriminator.set(session.localDiscriminator, session);
    return session;
  }

  /** Replaces a session. The peer must not hear a session any more that ends or that has other values now. */
  #replace(session: RunningSession): void {
    if (!session.ended) session.end();
    session.close();
    this.#forget(session);
  }

  #forget(session: RunningSession): void {
    const key = sessionKey(session.neighbor);
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    this.#byDiscriminator.delete(session.localDiscriminator);
    const used = new Set([...this.#sessions.values()].map(({ neighbor }) => earName(neighbor)));
    for (const [name, ear] of this.#ears) {
      if (used.has(name)) continue;
      this.#ears.delete(name);
      clearTimeout(ear.retry);
      ear.receiver?.close();
    }
  }

  #freeDiscriminator(): number {
    for (;;) {
      const discriminator = randomInt(1, DISCRIMINATORS);
      if (!this.#byDiscriminator.has(discriminator)) return discriminator;
    }
  }

  #earFor(neighbor: BfdNeighbor): Ear {
    const name = earName(neighbor);
    const present = this.#ears.get(name);
    if (present !== undefined) return present;
    const port = neighbor.multihop ? PORTS.multihop : PORTS.singleHop;
    const ear: Ear = {
      family: familyOf(neighbor.address),
      port,
      receiver: undefined,
      error: undefined,
      retry: undefined,
    };
    this.#ears.set(name, ear);
    this.#listen(ear);
    return ear;
  }

  /** Another BFD daemon may hold the port; if it ends, it is ours. */
  #listen(ear: Ear): void {
    try {
      const receiver = new UdpReceiver(ear.family, ear.port, {
        bufferBytes: RECEIVE_BYTES,
        payloadBytes: 2 * CONTROL_PACKET_BYTES,
      });
      ear.receiver = receiver;
      ear.error = undefined;
      receiver.onReadable(() => this.#hear(ear, PACKETS_IN_A_ROW));
    } catch (error) {
      ear.error = new Error(`BFD cannot be heard: ${(error as Error).message}`, { cause: error });
      ear.retry = setTimeout(() => this.#listen(ear), RETRY_MS);
    }
  }

  /** Reads what has come until now, so many packets at most. */
  #hear(ear: Ear, most: number): void {
    const [wallMs, nowMs] = [Date.now(), performance.now()];
    for (let left = most; left > 0; left--) {
      const datagram = ear.receiver?.receive();
      if (datagram === undefined) return;
      this.#take(datagram, ear, nowMs - (wallMs - datagram.arrivedMs));
      if (datagram.arrivedMs > wallMs + 1) return;
    }
  }

  #take({ payload, source, destination, hopLimit }: ReceivedDatagram, ear: Ear, arrivedMs: number): void {
    const packet = decodeControlPacket(payload);
    if (packet === undefined) return;
    const multihop = ear.port === PORTS.multihop;
    // Its discriminator alone names a session, once the peer knows it (RFC 5880, section 6.3).
    const session =
      packet.yourDiscriminator === 0
        ? (this.#sessions.get(sessionKey({ address: source, source: destination, multihop })) ??
          this.#sessions.get(sessionKey({ address: source, source: undefined, multihop })))
        : this.#byDiscriminator.get(packet.yourDiscriminator);
    if (session === undefined || session.neighbor.multihop !== multihop) return;
    if (isNearEnough(session.neighbor, hopLimit)) session.receive(packet, arrivedMs);
  }
}

function earName({ address, multihop }: BfdNeighbor): string {
  return `${familyOf(address)} ${multihop}`;
}
