// Carries the packets of checks between their sockets and the tunnels.
import { decideCheck } from '../../../forwarding/packets/check-packet.ts';
import type { ForwarderState } from '../../../forwarding/state.ts';
import { bootTimeMs } from '../../../linux/clock.ts';
import type { Tap } from '../../../linux/devices/tap.ts';
import { isFault } from '../../../net/fault.ts';
import { isGroupMac, parseTaggedEthernet } from '../../../net/headers/ethernet.ts';
import { finishChecksum, finishUnfinished } from '../tap/finish-checksum.ts';
import type { TapWay } from '../tap/tap-way.ts';
import type { CheckNetwork } from './check-network.ts';
import { OtherAnswers } from './other-answers.ts';

export interface CheckTrafficOptions {
  readonly network: Pick<CheckNetwork, 'onReadable' | 'read' | 'deliver' | 'ports'>;
  /** Interfaces where the fast path is, and loopback. */
  readonly seen: readonly number[];
  /** The device by which the fast path hands over answers. */
  readonly answers: Pick<TapWay, 'onTap'>;
  readonly forwarder: ForwarderState;
  /** Sends an outer packet to a real under test. */
  readonly send: (packet: Uint8Array) => void;
  /** The time after which other work gets its turn. */
  readonly budgetMs: number;
  /** Called when answers cannot be read any more, for example because somebody deleted the TAP device. */
  readonly onFailure: (reason: string) => void;
}

/**
 * Carries the packets of checks between their network namespace and the tunnels: what leaves it goes to the real under test, and
 * the answers, which the fast path recognises, come in. Their queues are their own, so that no flood at a VIP reaches them.
 */
export class CheckTraffic implements Disposable {
  readonly #options: CheckTrafficOptions;
  readonly #others: OtherAnswers;
  #closed = false;

  constructor(options: CheckTrafficOptions) {
    this.#options = options;
    const { network, answers, forwarder, budgetMs, seen, onFailure } = options;
    const deliver = (packet: Uint8Array): void => this.deliver(packet);
    this.#others = new OtherAnswers({ forwarder, ports: network.ports, deliver, budgetMs }, seen);
    network.onReadable(() => this.#forward());
    answers.onTap((tap) =>
      tap.onReadable(() => {
        try {
          this.#receive(tap);
        } catch (error) {
          tap.close();
          onFailure(error instanceof Error ? error.message : String(error));
        }
      }),
    );
  }

  /** Gives the checks a packet that did not come by the fast path, such as an error that culvert made itself. */
  deliver(packet: Uint8Array): void {
    let delivered = false;
    try {
      delivered = this.#options.network.deliver(packet);
    } catch {
      // Anything other than a sound IP packet is refused; the check's own time limit is the consequence.
    }
    if (!delivered) this.#options.forwarder.image.countReason('send-failed');
  }

  /** @param seen as in the options */
  follow(seen: readonly number[]): void {
    this.#others.leaveOut(seen);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#others[Symbol.dispose]();
  }

  #forward(): void {
    const { network, forwarder, send } = this.#options;
    this.#inTurn(() => {
      const packet = network.read();
      if (packet === undefined) return false;
      const decision = decideCheck(packet, forwarder, bootTimeMs());
      if (decision?.verdict === 'forward') for (const outer of decision.packets) send(outer);
      return true;
    });
  }

  #receive(tap: Tap): void {
    this.#inTurn(() => {
      const read = tap.read();
      if (read === undefined) return false;
      finishChecksum(read);
      // A real at the other end of a veth cable leaves the checksum to the receiver.
      finishUnfinished(read.frame);
      const ethernet = parseTaggedEthernet(read.frame);
      if (!isFault(ethernet) && !isGroupMac(ethernet.destination)) {
        this.deliver(read.frame.subarray(ethernet.headerBytes));
      }
      return true;
    });
  }

  #inTurn(step: () => boolean): void {
    const endMs = performance.now() + this.#options.budgetMs;
    while (!this.#closed && performance.now() < endMs && step());
  }
}
