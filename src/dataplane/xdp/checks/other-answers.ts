// Captures answers to checks that come in by an interface without the fast path.
import { isCheckAnswer } from '../../../forwarding/packets/check-packet.ts';
import type { ForwarderState } from '../../../forwarding/state.ts';
import { errnoOf } from '../../../linux/errno.ts';
import { IpCapture, type IpCaptureFilter } from '../../../linux/sockets/ip-capture.ts';
import { type IpFamily } from '../../../net/address/ip-address.ts';
import { finishUnfinishedPacket } from '../tap/finish-checksum.ts';

export interface OtherAnswersOptions {
  readonly forwarder: ForwarderState;
  /** The local ports of checks. */
  readonly ports: IpCaptureFilter['ports'];
  readonly deliver: (packet: Uint8Array) => void;
  readonly budgetMs: number;
}

/**
 * Receives answers to checks that arrive by an interface without the fast path: the way back from a real may differ from the way
 * of clients' packets. The host's stack gets them too, has no socket for them, and its answers reach no real.
 */
export class OtherAnswers implements Disposable {
  readonly #options: OtherAnswersOptions;
  readonly #captures: readonly IpCapture[];
  #closed = false;

  /** @param without Interfaces where the fast path is, and loopback. */
  constructor(options: OtherAnswersOptions, without: readonly number[]) {
    this.#options = options;
    const filter = { ports: options.ports, without };
    this.#captures = ([4, 6] as const).flatMap((family) => openCapture(family, filter) ?? []);
    for (const capture of this.#captures) capture.onReadable(() => this.#read(capture));
  }

  leaveOut(without: readonly number[]): void {
    for (const capture of this.#captures) capture.setFilter({ ports: this.#options.ports, without });
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const capture of this.#captures) capture[Symbol.dispose]();
  }

  #read(capture: IpCapture): void {
    const { forwarder, deliver, budgetMs } = this.#options;
    const endMs = performance.now() + budgetMs;
    while (!this.#closed && performance.now() < endMs) {
      const packet = capture.read();
      if (packet === undefined) return;
      if (!isCheckAnswer(packet, forwarder)) continue;
      finishUnfinishedPacket(packet);
      deliver(packet);
    }
  }
}

/** Opens a capture; undefined on a kernel with IPv6 disabled. */
function openCapture(family: IpFamily, filter: IpCaptureFilter): IpCapture | undefined {
  try {
    return new IpCapture(family, filter);
  } catch (error) {
    if (family === 6 && errnoOf(error) === 'EAFNOSUPPORT') return undefined;
    throw error;
  }
}
