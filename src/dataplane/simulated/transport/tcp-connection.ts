// One TCP connection of the simulated network: handshake, windows, retransmission.
import type { Port } from '../../../forwarding/forwarding-table.ts';
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import { buildIpv4, IPV4_HEADER_BYTES, PROTOCOL } from '../../../net/headers/ipv4.ts';
import {
  buildTcp,
  mssOption,
  TCP_FLAGS,
  TCP_HEADER_BYTES,
  type TcpHeader,
} from '../../../net/headers/tcp.ts';
import type { Timer } from '../network/event-loop.ts';
import type { IpStack } from '../network/ip-stack.ts';
import { SendBuffer } from './send-buffer.ts';

export type TcpFailure =
  | 'connection refused'
  | 'connection reset'
  | 'connection timed out'
  | 'no route to host';

export interface TcpListener {
  connected?(): void;
  data?(bytes: Uint8Array): void;
  /** The peer has sent all that it had. */
  ended?(): void;
  /** Called at the end of the connection. Without a failure both sides have ended and know it. */
  closed?(failure: TcpFailure | undefined): void;
}

export interface TcpAddresses {
  readonly local: Ipv4Address;
  readonly localPort: Port;
  readonly remote: Ipv4Address;
  readonly remotePort: Port;
}

export interface TcpOptions extends TcpAddresses {
  readonly initialSequence: number;
  /** Passed to the node's egress hook with every packet. */
  readonly mark: number | undefined;
  readonly listener: TcpListener;
  /** Called once nothing more can come for this connection. */
  readonly release: () => void;
}

type State = 'syn-sent' | 'syn-received' | 'open' | 'time-wait' | 'closed';

const WINDOW_BYTES = 65535;
const DEFAULT_MSS = 536;
const INITIAL_SEGMENTS = 10;
const HEADER_BYTES = IPV4_HEADER_BYTES + TCP_HEADER_BYTES;
const SYN_TIMEOUT_MS = 1000;
/** Linux's least; the round trips of the simulated network are far shorter. */
const DATA_TIMEOUT_MS = 200;
const SYN_ATTEMPTS = 6;
const DATA_ATTEMPTS = 15;
const LONGEST_TIMEOUT_MS = 120_000;
const TIME_WAIT_MS = 1000;
const DUPLICATES_FOR_RETRANSMIT = 3;

/**
 * One end of a TCP connection (RFC 9293): handshake with MSS, sliding window, slow start, retransmission from the
 * first missing byte, path MTU discovery (RFC 1191), close and reset. What comes out of order is sent again.
 * Places in the streams count from 0 for the SYN; the wire's sequence numbers are those plus the initial ones.
 */
export class TcpConnection {
  readonly #ip: IpStack;
  readonly #options: TcpOptions;
  readonly #buffer = new SendBuffer();
  #state: State;
  #peerMss = DEFAULT_MSS;
  #unacknowledged = 0;
  #next = 0;
  #highest = 0;
  #window = WINDOW_BYTES;
  #congestionWindow = 0;
  #duplicates = 0;
  #recoveryUntil = 0;
  #ending = false;
  #peerInitial = 0;
  #received = 0;
  #peerEnded = false;
  #attempts = 0;
  #timer: Timer | undefined;

  constructor(
    ip: IpStack,
    options: TcpOptions,
    syn?: { readonly header: TcpHeader; readonly mss: number | undefined },
  ) {
    this.#ip = ip;
    this.#options = options;
    this.#state = syn === undefined ? 'syn-sent' : 'syn-received';
    if (syn !== undefined) this.#acceptSyn(syn.header, syn.mss);
    this.#output();
  }

  get addresses(): TcpAddresses {
    return this.#options;
  }

  get mark(): number | undefined {
    return this.#options.mark;
  }

  get isTimeWait(): boolean {
    return this.#state === 'time-wait';
  }

  write(bytes: Uint8Array): void {
    if (this.#ending) throw new RangeError('a write after the end');
    this.#buffer.write(bytes);
    this.#output();
  }

  /** Sends what is left and then a FIN. */
  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#output();
  }

  /** Resets the connection. */
  abort(): void {
    if (this.#state === 'closed') return;
    if (this.#state !== 'syn-sent') this.#transmit(TCP_FLAGS.rst | TCP_FLAGS.ack, this.#next);
    this.#close(undefined);
  }

  /** A segment of this connection; its checksum has been verified. */
  receive(header: TcpHeader, payload: Uint8Array, mss: number | undefined): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'syn-sent') return this.#receiveSynSent(header, mss);
    if (header.flags & TCP_FLAGS.rst) {
      if (this.#place(header.sequence) === this.#received) this.#close('connection reset');
      return;
    }
    if (header.flags & TCP_FLAGS.syn) return this.#answerRepeatedSyn();
    if (header.flags & TCP_FLAGS.ack) this.#acknowledged(header, payload.length);
    this.#takeData(header, payload);
    if (this.#isDone()) this.#enterTimeWait();
    else this.#output();
  }

  /** An ICMP error about a segment that this end sent. */
  icmpError(complaint: 'fragmentation-needed' | 'unreachable', sequence: number): void {
    const place = this.#unacknowledged + ((sequence - this.#wire(this.#unacknowledged)) | 0);
    if (place < this.#unacknowledged || place > this.#highest) return;
    if (complaint === 'fragmentation-needed') this.#goBack();
    else if (this.#state === 'syn-sent') this.#close('connection refused');
  }

  #receiveSynSent(header: TcpHeader, mss: number | undefined): void {
    const acknowledges = (header.flags & TCP_FLAGS.ack) !== 0 && header.acknowledgment === this.#wire(1);
    if (!acknowledges) return;
    if (header.flags & TCP_FLAGS.rst) return this.#close('connection refused');
    if ((header.flags & TCP_FLAGS.syn) === 0) return;
    this.#acceptSyn(header, mss);
    this.#opened();
    this.#acknowledged(header, 0);
    this.#acknowledge();
    this.#output();
  }

  #acceptSyn(header: TcpHeader, mss: number | undefined): void {
    this.#peerInitial = header.sequence;
    this.#peerMss = mss ?? DEFAULT_MSS;
    this.#received = 1;
  }

  #opened(): void {
    this.#state = 'open';
    this.#congestionWindow = INITIAL_SEGMENTS * this.#segmentBytes();
    this.#options.listener.connected?.();
  }

  #answerRepeatedSyn(): void {
    if (this.#state === 'syn-received') this.#goBack();
    else this.#acknowledge();
  }

  #acknowledged(header: TcpHeader, payloadBytes: number): void {
    const place = this.#unacknowledged + ((header.acknowledgment - this.#wire(this.#unacknowledged)) | 0);
    if (place > this.#highest || place < this.#unacknowledged) return;
    this.#window = header.window;
    if (place === this.#unacknowledged) {
      const isDuplicate = payloadBytes === 0 && this.#highest > place && (header.flags & TCP_FLAGS.fin) === 0;
      if (isDuplicate) this.#countDuplicate();
      return;
    }
    if (this.#state === 'syn-received') this.#opened();
    this.#congestionWindow = Math.min(WINDOW_BYTES, this.#congestionWindow + place - this.#unacknowledged);
    this.#unacknowledged = place;
    this.#next = Math.max(this.#next, place);
    this.#duplicates = 0;
    this.#attempts = 0;
    this.#buffer.release(place - 1);
    this.#restartTimer();
  }

  #countDuplicate(): void {
    this.#duplicates++;
    if (this.#duplicates < DUPLICATES_FOR_RETRANSMIT || this.#unacknowledged < this.#recoveryUntil) return;
    this.#recoveryUntil = this.#highest;
    this.#goBack();
  }

  #takeData(header: TcpHeader, payload: Uint8Array): void {
    const hasFin = (header.flags & TCP_FLAGS.fin) !== 0;
    if (payload.length === 0 && !hasFin) return;
    const skip = this.#received - this.#place(header.sequence);
    const end = payload.length + (hasFin ? 1 : 0);
    if (skip >= 0 && skip < end && !this.#peerEnded) {
      const fresh = payload.subarray(skip);
      this.#received += end - skip;
      this.#peerEnded = hasFin;
      if (fresh.length > 0) this.#options.listener.data?.(fresh);
      if (hasFin) this.#options.listener.ended?.();
    }
    if (this.#state !== 'closed') this.#acknowledge();
  }

  /** Sends what the windows allow from `#next` on. */
  #output(): void {
    if (this.#state === 'closed' || this.#state === 'time-wait') return;
    if (this.#next === 0) this.#sendSyn();
    if (this.#state !== 'open') return;
    const limit = this.#unacknowledged + Math.min(this.#window, this.#congestionWindow);
    const dataEnd = 1 + this.#buffer.end;
    while (this.#next < Math.min(limit, dataEnd)) {
      const to = Math.min(this.#next + this.#segmentBytes(), limit, dataEnd);
      const flags = TCP_FLAGS.ack | (to === dataEnd ? TCP_FLAGS.psh : 0);
      this.#transmit(flags, this.#next, this.#buffer.slice(this.#next - 1, to - 1));
      this.#advance(to);
    }
    if (this.#ending && this.#next === dataEnd) {
      this.#transmit(TCP_FLAGS.fin | TCP_FLAGS.ack, this.#next);
      this.#advance(dataEnd + 1);
    }
  }

  #sendSyn(): void {
    const mss = this.#ip.pathMtu(this.#options.remote) - HEADER_BYTES;
    const flags = TCP_FLAGS.syn | (this.#state === 'syn-received' ? TCP_FLAGS.ack : 0);
    if (this.#transmit(flags, 0, undefined, mssOption(mss)) === 'no-route')
      return this.#close('no route to host');
    this.#advance(1);
  }

  #advance(to: number): void {
    this.#next = to;
    this.#highest = Math.max(this.#highest, to);
    if (this.#timer === undefined) this.#restartTimer();
  }

  #acknowledge(): void {
    this.#transmit(TCP_FLAGS.ack, this.#next);
  }

  #transmit(flags: number, place: number, payload?: Uint8Array, options?: Uint8Array): string {
    const { local, localPort, remote, remotePort, mark } = this.#options;
    const acknowledges = (flags & TCP_FLAGS.ack) !== 0;
    const segment = buildTcp({
      source: local,
      destination: remote,
      sourcePort: localPort,
      destinationPort: remotePort,
      sequence: this.#wire(place),
      acknowledgment: acknowledges ? (this.#peerInitial + this.#received) >>> 0 : 0,
      flags,
      window: WINDOW_BYTES,
      ...(payload && { payload }),
      ...(options && { options }),
    });
    const addresses = { source: local, destination: remote };
    return this.#ip.send(
      buildIpv4({ ...addresses, protocol: PROTOCOL.tcp, dontFragment: true }, segment),
      mark,
    );
  }

  /** Sends everything again that was not acknowledged. */
  #goBack(): void {
    this.#next = this.#unacknowledged;
    this.#duplicates = 0;
    this.#output();
  }

  #restartTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#unacknowledged === this.#highest) return;
    const firstMs = this.#state === 'open' ? DATA_TIMEOUT_MS : SYN_TIMEOUT_MS;
    const delayMs = Math.min(LONGEST_TIMEOUT_MS, firstMs * 2 ** this.#attempts);
    this.#timer = this.#ip.loop.schedule(delayMs, () => this.#timedOut());
  }

  #timedOut(): void {
    this.#timer = undefined;
    this.#attempts++;
    if (this.#attempts > (this.#state === 'open' ? DATA_ATTEMPTS : SYN_ATTEMPTS)) {
      return this.#close('connection timed out');
    }
    this.#congestionWindow = this.#segmentBytes();
    this.#recoveryUntil = this.#highest;
    this.#goBack();
  }

  #isDone(): boolean {
    return this.#ending && this.#peerEnded && this.#unacknowledged === this.#buffer.end + 2;
  }

  /** The peer may not have got the last acknowledgment: its repeated FIN still finds somebody who answers. */
  #enterTimeWait(): void {
    if (this.#state === 'time-wait') return;
    this.#timer?.cancel();
    this.#state = 'time-wait';
    this.#ip.loop.schedule(TIME_WAIT_MS, () => {
      this.#state = 'closed';
      this.#options.release();
    });
    this.#options.listener.closed?.(undefined);
  }

  #close(failure: TcpFailure | undefined): void {
    const wasOpen = this.#state !== 'time-wait';
    this.#state = 'closed';
    this.#timer?.cancel();
    this.#options.release();
    if (wasOpen) this.#options.listener.closed?.(failure);
  }

  #segmentBytes(): number {
    return Math.min(this.#peerMss, this.#ip.pathMtu(this.#options.remote) - HEADER_BYTES);
  }

  #wire(place: number): number {
    return (this.#options.initialSequence + place) >>> 0;
  }

  /** Returns the position of a peer's sequence number in its stream. */
  #place(sequence: number): number {
    return this.#received + ((sequence - this.#peerInitial - this.#received) | 0);
  }
}
