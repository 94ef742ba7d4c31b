// A BFD session with its timers and packets.
import { randomInt } from 'node:crypto';
import { ANY_ADDRESS } from '../../linux/sockets/address-family.ts';
import { UdpSender } from '../../linux/sockets/udp-sender.ts';
import { resourceShortageIn } from '../../local-shortage.ts';
import { familyOf } from '../../net/address/ip-address.ts';
import { BFD_STATE, type ControlPacket, encodeControlPacket } from './control-packet.ts';
import type { BfdNeighbor } from './neighbor.ts';
import {
  afterSending,
  type BfdSession,
  deadlineMs,
  expire,
  type Moment,
  packetToSend,
  receivePacket,
  shutDown,
  startSession,
} from './session.ts';
import { describeAbsence, describeFall } from './session-words.ts';
import type { BfdListener } from './sessions.ts';

export interface RunningSessionOptions {
  readonly neighbor: BfdNeighbor;
  readonly localDiscriminator: number;
  /** The port on which the peer listens. */
  readonly port: number;
  /** Has everything received that has come until now. */
  readonly catchUp: () => void;
  /** Returns the error for which nothing can be received. */
  readonly deafness: () => Error | undefined;
  /** The peer has had its time to learn that the session has been shut down. */
  readonly onEnd: () => void;
}

/** The time after which a shortage of this machine that lasts is reported again. */
const SHORTAGE_MS = 1000;

/** RFC 5881, section 4. */
const SOURCE_PORTS = { from: 49_152, count: 16_384 } as const;

/** A session on real timers, with a socket of its own for sending. Its clock is `performance.now()`. */
export class RunningSession {
  readonly neighbor: BfdNeighbor;
  readonly #options: RunningSessionOptions;
  readonly #listeners = new Set<BfdListener>();
  #session: BfdSession;
  #sender: UdpSender | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Infinity;
  #verdict: { readonly fault: string | undefined } | undefined;
  /** The time at which it is reported that the session has not come up. */
  #patienceMs: number;
  #sendError: Error | undefined;
  #endMs = Infinity;

  constructor(options: RunningSessionOptions) {
    this.#options = options;
    this.neighbor = options.neighbor;
    const { parameters } = options.neighbor;
    const nowMs = performance.now();
    this.#patienceMs = nowMs + parameters.multiplier * Math.max(parameters.idleTxMs, parameters.minTxMs);
    this.#session = startSession(parameters, options.localDiscriminator, nowMs);
    this.#openSender();
    this.#arm();
  }

  get localDiscriminator(): number {
    return this.#session.localDiscriminator;
  }

  get ended(): boolean {
    return this.#endMs !== Infinity;
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  /** Told at each change, and of the present state as soon as there is one to tell. */
  listen(listener: BfdListener): void {
    this.#listeners.add(listener);
    if (this.#verdict !== undefined) listener(this.#verdict.fault);
  }

  unlisten(listener: BfdListener): void {
    this.#listeners.delete(listener);
  }

  receive(packet: ControlPacket, arrivedMs: number): void {
    const before = this.#session;
    // Neither a clock that was set nor packets read in another order than they came make silence of what was heard.
    const nowMs = Math.max(before.heardMs, Math.min(arrivedMs, performance.now()));
    const { session, answer } = receivePacket(before, packet, { nowMs, random: Math.random() });
    this.#session = session;
    if (answer !== undefined) this.#send(answer === 'final');
    if (session.state !== before.state) this.#judge(before);
    this.#arm();
  }

  /** Tells the peer that it is no failure, and goes on to do so until it must have heard. */
  end(): void {
    this.#session = shutDown(this.#session, moment());
    const { multiplier, idleTxMs } = this.neighbor.parameters;
    this.#endMs = performance.now() + multiplier * idleTxMs;
    if (this.#session.remote.discriminator === 0) this.#endMs = 0;
    else this.#send(false);
    clearTimeout(this.#timer);
    this.#timerMs = Infinity;
    this.#arm();
  }

  /** Closes the session; nothing more is sent. */
  close(): void {
    clearTimeout(this.#timer);
    this.#sender?.close();
    this.#sender = undefined;
  }

  readonly #tick = (): void => {
    this.#timerMs = Infinity;
    const nowMs = performance.now();
    if (nowMs >= this.#endMs) {
      this.close();
      this.#options.onEnd();
      return;
    }
    // The loop may have stood still: what has come meanwhile counts first.
    if (nowMs >= deadlineMs(this.#session)) this.#options.catchUp();
    const before = this.#session;
    this.#session = expire(before, { nowMs, random: Math.random() });
    if (this.#session.state !== before.state) this.#judge(before);
    if (this.#verdict === undefined && nowMs >= this.#patienceMs) this.#giveUpHope();
    if (nowMs >= this.#session.dueMs) this.#send(false);
    this.#arm();
  };

  #judge(before: BfdSession): void {
    const wasUp = before.state === BFD_STATE.up;
    if (this.#session.state === BFD_STATE.up) this.#tell(undefined);
    else if (wasUp && !this.ended) this.#tell(describeFall(this.neighbor.address, this.#session, before));
  }

  #giveUpHope(): void {
    const deafness = this.#options.deafness();
    const muteness =
      this.#sendError === undefined ? '' : `, and none can be sent: ${this.#sendError.message}`;
    const fault = deafness?.message ?? describeAbsence(this.neighbor.address, this.#session) + muteness;
    const shortage = resourceShortageIn(deafness ?? this.#sendError)?.code;
    if (shortage === undefined) this.#tell(fault);
    else this.#postpone(fault, shortage);
  }

  /** This is no verdict: the session has not been tried yet. */
  #postpone(fault: string, shortage: string): void {
    this.#patienceMs = performance.now() + SHORTAGE_MS;
    for (const listener of this.#listeners) listener(fault, shortage);
  }

  #tell(fault: string | undefined): void {
    this.#verdict = { fault };
    for (const listener of this.#listeners) listener(fault);
  }

  #send(final: boolean): void {
    const { port, neighbor } = this.#options;
    try {
      this.#openSender()?.send(
        encodeControlPacket(packetToSend(this.#session, final)),
        neighbor.address,
        port,
      );
    } catch (error) {
      this.#sendError = error as Error;
    }
    this.#session = afterSending(this.#session, moment());
  }

  /** The source address may come later than the session. */
  #openSender(): UdpSender | undefined {
    this.#sendError = undefined;
    try {
      this.#sender ??= openSender(this.neighbor);
    } catch (error) {
      this.#sendError = error as Error;
    }
    return this.#sender;
  }

  /** Sets the single timer for everything to wait for. It fires early rather than being set again for each packet. */
  #arm(): void {
    const patienceMs = this.#verdict === undefined ? this.#patienceMs : Infinity;
    const wakeMs = Math.min(this.#session.dueMs, deadlineMs(this.#session), patienceMs, this.#endMs);
    if (wakeMs >= this.#timerMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = wakeMs;
    this.#timer = setTimeout(this.#tick, Math.max(0, Math.ceil(wakeMs - performance.now())));
    if (this.ended) this.#timer.unref();
  }
}

function moment(): Moment {
  return { nowMs: performance.now(), random: Math.random() };
}

/** The port is the session's as long as it lives, and no other's. */
function openSender({ address, source, ttl }: BfdNeighbor): UdpSender {
  const first = randomInt(SOURCE_PORTS.count);
  const ports = Array.from(
    { length: SOURCE_PORTS.count },
    (_, index) => SOURCE_PORTS.from + ((first + index) % SOURCE_PORTS.count),
  );
  return new UdpSender({ source: source ?? ANY_ADDRESS[familyOf(address)], ports, hopLimit: ttl });
}
