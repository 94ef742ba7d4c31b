// Reads what the fast path hands over, decides, and sends.
import { decideFrame } from '../../../forwarding/answers/frame.ts';
import type { Decision } from '../../../forwarding/decision.ts';
import { isAboutCheck } from '../../../forwarding/packets/check-packet.ts';
import { probePaths, takeProbeReply } from '../../../forwarding/path-mtu/messages.ts';
import { learnPathMtu } from '../../../forwarding/path-mtu/report.ts';
import type { ForwarderState } from '../../../forwarding/state.ts';
import { bootTimeMs } from '../../../linux/clock.ts';
import type { Tap, TapFrame } from '../../../linux/devices/tap.ts';
import { PacketSocket } from '../../../linux/sockets/packet-socket.ts';
import { RawSender } from '../../../linux/sockets/raw-socket.ts';
import { CheckTraffic, type CheckTrafficOptions } from '../checks/check-traffic.ts';
import { IcmpListener } from '../checks/icmp-listener.ts';
import { destinationOf } from '../paths/packet-destination.ts';
import { finishChecksum, finishUnfinished } from './finish-checksum.ts';
import { ingressOf } from './ingress-mark.ts';
import type { TapWay } from './tap-way.ts';

/** Looks up what the slow path needs of the interfaces on which packets arrive. */
export interface IngressLookup {
  has(ifIndex: number): boolean;
  forwarderAt(ifIndex: number): ForwarderState;
  readonly first: number | undefined;
  bringsUnfinished(ifIndex: number): boolean;
}

export interface SlowPathOptions {
  readonly way: Pick<TapWay, 'onTap'>;
  readonly ingresses: IngressLookup;
  readonly forwarder: ForwarderState;
  readonly checks: Pick<CheckTrafficOptions, 'network' | 'answers' | 'seen'>;
  /** Called when everything that was handed over has been read. */
  readonly onDrained: (nowMs: number) => void;
  /** Called when nothing can be read any more, for example because somebody deleted the TAP device. */
  readonly onFailure: (reason: string) => void;
}

/** Checks and the API get their turn after this time, however many frames are waiting. */
const BUDGET_MS = 2;
const FRAMES_PER_CLOCK_READING = 16;

/** Reads what the fast path handed over and what checks send, and sends the results. */
export class SlowPath implements Disposable {
  readonly #ingresses: IngressLookup;
  readonly #forwarder: ForwarderState;
  readonly #packets: RawSender;
  readonly #frames: PacketSocket;
  readonly #icmp: IcmpListener;
  readonly #checks: CheckTraffic;
  readonly #onDrained: (nowMs: number) => void;
  readonly #onFailure: (reason: string) => void;
  #tap: Tap | undefined;
  #closed = false;

  constructor({ way, ingresses, forwarder, checks, onDrained, onFailure }: SlowPathOptions) {
    using opening = new DisposableStack();
    this.#onDrained = onDrained;
    this.#ingresses = ingresses;
    this.#forwarder = forwarder;
    this.#packets = opening.use(new RawSender());
    this.#frames = opening.use(new PacketSocket(0));
    this.#icmp = opening.use(new IcmpListener((packet) => this.#hear(packet), BUDGET_MS));
    const send = (packet: Uint8Array): void => this.#sendPacket(packet);
    this.#checks = opening.use(
      new CheckTraffic({ ...checks, forwarder, send, budgetMs: BUDGET_MS, onFailure }),
    );
    this.#onFailure = onFailure;
    way.onTap((tap) => {
      this.#tap = tap;
      tap.onReadable(() => this.readOn());
    });
    opening.move();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#packets.close();
    this.#frames.close();
    this.#icmp[Symbol.dispose]();
    this.#checks[Symbol.dispose]();
  }

  /** @param seen interfaces with the fast path, and loopback */
  follow(seen: readonly number[]): void {
    this.#checks.follow(seen);
  }

  /** Reads some of what was handed over. Call it now and then as well, so that the budget is renewed. */
  readOn(): void {
    const tap = this.#tap;
    if (tap === undefined) return;
    try {
      this.#readFrames(tap);
    } catch (error) {
      this.#tap = undefined;
      tap.close();
      this.#onFailure(error instanceof Error ? error.message : String(error));
    }
  }

  #readFrames(tap: Tap): void {
    const endMs = performance.now() + BUDGET_MS;
    while (!this.#closed && performance.now() < endMs) {
      const nowMs = bootTimeMs();
      for (let count = 0; count < FRAMES_PER_CLOCK_READING; count++) {
        const read = tap.read();
        if (read === undefined) {
          this.#onDrained(performance.now());
          return;
        }
        finishChecksum(read);
        this.#handleFrame(read, nowMs);
      }
    }
  }

  #handleFrame({ frame, segmentBytes }: TapFrame, nowMs: number): void {
    const merged = segmentBytes === 0 ? undefined : segmentBytes;
    const ifIndex = ingressOf(frame);
    if (this.#ingresses.bringsUnfinished(ifIndex)) finishUnfinished(frame);
    for (const decision of decideFrame(frame, this.#ingresses.forwarderAt(ifIndex), nowMs, merged)) {
      if (decision.verdict === 'reply') this.#sendFrame(decision.frame, ifIndex);
      else this.#carryOut(decision);
    }
  }

  /** Sends the probes that are due, which test whether a path has the reported MTU. Call it about every quarter of a second. */
  probePaths(): void {
    for (const packet of probePaths(this.#forwarder, bootTimeMs()).packets) this.#sendPacket(packet);
  }

  /** Handles what routers on the way to reals report to the director as the sender of tunnel packets, and answers to probes. */
  #hear(packet: Uint8Array): void {
    if (takeProbeReply(packet, this.#forwarder)) return;
    const { answer, outcome } = learnPathMtu(packet, this.#forwarder, bootTimeMs());
    if (answer !== undefined) this.#carryOut(answer);
    if (outcome === 'needs-probe') this.probePaths();
  }

  #carryOut(decision: Decision): void {
    if (decision.verdict === 'answer') this.#sendAnswer(decision.packet);
    if (decision.verdict !== 'forward') return;
    for (const packet of decision.packets) this.#sendPacket(packet);
  }

  /** Sends a frame out of the interface on which the request arrived. */
  #sendFrame(frame: Uint8Array, ifIndex: number): void {
    const exit = this.#ingresses.has(ifIndex) ? ifIndex : this.#ingresses.first;
    if (exit !== undefined) this.#send(() => this.#frames.send(frame, exit));
  }

  /** Sends an answer; one about a check's packet goes to the check. */
  #sendAnswer(packet: Uint8Array): void {
    if (isAboutCheck(packet, this.#forwarder)) this.#checks.deliver(packet);
    else this.#sendPacket(packet);
  }

  #sendPacket(packet: Uint8Array): void {
    this.#send(() => this.#packets.send(packet, destinationOf(packet)));
  }

  /** A packet that the kernel refuses is lost, as it would be on a wire; the next one may fare better. */
  #send(send: () => boolean): void {
    let sent = false;
    try {
      sent = send();
    } catch {
      // The reason counter is all that helps against each packet of a flood.
    }
    if (!sent) this.#forwarder.image.countReason('send-failed');
  }
}
