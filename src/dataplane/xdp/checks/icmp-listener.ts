// Receives ICMP messages to the director's own addresses.
import { errnoOf } from '../../../linux/errno.ts';
import { IcmpReceiver } from '../../../linux/sockets/icmp/icmp-receiver.ts';
import type { IpFamily } from '../../../net/address/ip-address.ts';
import { ICMP_TYPE } from '../../../net/headers/icmp.ts';
import { ICMPV6_TYPE } from '../../../net/headers/icmpv6.ts';

const HEARD: Readonly<Record<IpFamily, readonly number[]>> = {
  4: [ICMP_TYPE.echoReply, ICMP_TYPE.destinationUnreachable, ICMP_TYPE.sourceQuench, ICMP_TYPE.timeExceeded],
  6: [
    ICMPV6_TYPE.destinationUnreachable,
    ICMPV6_TYPE.packetTooBig,
    ICMPV6_TYPE.timeExceeded,
    ICMPV6_TYPE.parameterProblem,
    ICMPV6_TYPE.echoReply,
  ],
};

/** Receives the errors and echo replies of ICMP and ICMPv6 that arrive at the director's own addresses. */
export class IcmpListener implements Disposable {
  readonly #receivers: readonly IcmpReceiver[];
  #closed = false;

  /**
   * @param listener gets a whole packet, valid until it returns
   * @param budgetMs the time after which other work gets its turn
   */
  constructor(listener: (packet: Uint8Array) => void, budgetMs: number) {
    this.#receivers = ([4, 6] as const).flatMap((family) => openReceiver(family) ?? []);
    for (const receiver of this.#receivers) {
      receiver.onReadable(() => this.#read(receiver, listener, budgetMs));
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const receiver of this.#receivers) receiver.close();
  }

  #read(receiver: IcmpReceiver, listener: (packet: Uint8Array) => void, budgetMs: number): void {
    const endMs = performance.now() + budgetMs;
    while (!this.#closed && performance.now() < endMs) {
      const packet = receiver.receive();
      if (packet === undefined) return;
      listener(packet);
    }
  }
}

/** Opens a receiver; undefined on a kernel with IPv6 disabled. */
function openReceiver(family: IpFamily): IcmpReceiver | undefined {
  try {
    return new IcmpReceiver(family, HEARD[family]);
  } catch (error) {
    if (family === 6 && errnoOf(error) === 'EAFNOSUPPORT') return undefined;
    throw error;
  }
}
