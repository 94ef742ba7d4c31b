import type { Decision } from '../../forwarding/decision.ts';
import { decideFrame } from '../../forwarding/frame.ts';
import { learnPathMtu } from '../../forwarding/path-mtu.ts';
import type { ForwarderState } from '../../forwarding/state.ts';
import { bootTimeMs } from '../../linux/clock.ts';
import { IcmpReceiver } from '../../linux/icmp-receiver.ts';
import { PacketSocket } from '../../linux/packet-socket.ts';
import { RawSender } from '../../linux/raw-socket.ts';
import type { Tap, TapFrame } from '../../linux/tap.ts';
import { readU32 } from '../../net/bytes.ts';
import { ICMP_TYPE } from '../../net/icmp.ts';
import { IPV4_AT } from '../../net/ipv4.ts';
import type { Ipv4Address } from '../../net/ipv4-address.ts';
import { finishChecksum } from './finish-checksum.ts';

export interface SlowPathOptions {
  readonly tap: Tap;
  /** The interface that clients are behind, for frames that are answered with frames. */
  readonly ifIndex: number;
  readonly forwarder: ForwarderState;
  /** Told when nothing can be read any more, as when somebody has deleted the TAP device. */
  readonly onFailure: (reason: string) => void;
}

/** Checks and the API get their turn after this time, however many frames are waiting. */
const BUDGET_MS = 2;
const FRAMES_PER_CLOCK_READING = 16;
const PATH_ERRORS = [ICMP_TYPE.destinationUnreachable, ICMP_TYPE.sourceQuench, ICMP_TYPE.timeExceeded];

/** Reads what the fast path handed over and what the host's stack routed here, and sends what comes of it. */
export class SlowPath implements Disposable {
  readonly #tap: Tap;
  readonly #forwarder: ForwarderState;
  readonly #packets: RawSender;
  readonly #frames: PacketSocket;
  readonly #errors: IcmpReceiver;
  #closed = false;

  constructor({ tap, ifIndex, forwarder, onFailure }: SlowPathOptions) {
    using opening = new DisposableStack();
    this.#tap = tap;
    this.#forwarder = forwarder;
    this.#packets = opening.use(new RawSender());
    this.#frames = opening.use(new PacketSocket(ifIndex));
    this.#errors = opening.use(new IcmpReceiver(4, PATH_ERRORS));
    tap.onReadable(() => {
      try {
        this.#readFrames();
      } catch (error) {
        tap.close();
        onFailure(error instanceof Error ? error.message : String(error));
      }
    });
    this.#errors.onReadable(() => this.#readErrors());
    opening.move();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#packets.close();
    this.#frames.close();
    this.#errors.close();
  }

  #readFrames(): void {
    const endMs = performance.now() + BUDGET_MS;
    while (!this.#closed && performance.now() < endMs) {
      const nowMs = bootTimeMs();
      for (let count = 0; count < FRAMES_PER_CLOCK_READING; count++) {
        const read = this.#tap.read();
        if (read === undefined) return;
        finishChecksum(read);
        this.#handleFrame(read, nowMs);
      }
    }
  }

  #handleFrame({ frame, segmentBytes }: TapFrame, nowMs: number): void {
    const merged = segmentBytes === 0 ? undefined : segmentBytes;
    for (const decision of decideFrame(frame, this.#forwarder, nowMs, merged)) {
      if (decision.verdict === 'reply') this.#send(() => this.#frames.send(decision.frame));
      else this.#carryOut(decision);
    }
  }

  /** What routers on the way to reals report to the sender of the tunnel packets, the director. */
  #readErrors(): void {
    const endMs = performance.now() + BUDGET_MS;
    while (!this.#closed && performance.now() < endMs) {
      const packet = this.#errors.receive();
      if (packet === undefined) return;
      const { answer } = learnPathMtu(packet, this.#forwarder, bootTimeMs());
      if (answer !== undefined) this.#carryOut(answer);
    }
  }

  #carryOut(decision: Decision): void {
    if (decision.verdict === 'answer') this.#sendPacket(decision.packet);
    if (decision.verdict !== 'forward') return;
    for (const packet of decision.packets) this.#sendPacket(packet);
  }

  #sendPacket(packet: Uint8Array): void {
    const to = readU32(packet, IPV4_AT.destination) as Ipv4Address;
    this.#send(() => this.#packets.send(packet, to));
  }

  /** A packet that the kernel refuses is lost, as it would be on a wire; the next one may fare better. */
  #send(send: () => boolean): void {
    let sent = false;
    try {
      sent = send();
    } catch {
      // The reason counter is all that anyone could do with it for each packet of a flood.
    }
    if (!sent) this.#forwarder.image.countReason('send-failed');
  }
}
