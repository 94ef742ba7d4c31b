import { ICMP_TYPE } from '../net/icmp.ts';
import type { Ipv4Address } from '../net/ipv4-address.ts';
import { type Descriptor, int32, SOCK } from './descriptor.ts';
import { openMarkedSocket } from './marked-socket.ts';
import { socketAddress } from './raw-socket.ts';

const IPPROTO_ICMP = 1;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const DATAGRAM_BYTES = 65_536;
const HEARD: readonly number[] = [
  ICMP_TYPE.echoReply,
  ICMP_TYPE.destinationUnreachable,
  ICMP_TYPE.timeExceeded,
];

/**
 * Sends echo requests and hears all replies and errors that come to the machine. Raw, because Linux's own echo sockets
 * are open to no group by default (net.ipv4.ping_group_range), not even to root's.
 */
export class EchoSocket implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #buffer: Uint8Array = new Uint8Array(DATAGRAM_BYTES);

  /** @param listener Gets whole IPv4 packets, valid until it returns. */
  constructor(
    { mark, source }: { readonly mark: number | undefined; readonly source: Ipv4Address | undefined },
    listener: (packet: Uint8Array) => void,
  ) {
    const options = { name: 'echo socket', type: SOCK.raw, protocol: IPPROTO_ICMP, mark, source };
    const { descriptor } = openMarkedSocket(options);
    this.#descriptor = descriptor;
    const unheard = ~HEARD.reduce((mask, type) => mask | (1 << type), 0);
    descriptor.setOption(SOL_RAW, ICMP_FILTER, int32(unheard));
    descriptor.onReadable(() => this.#read(listener));
  }

  /** @throws CulvertError KERNEL, such as ENETUNREACH. */
  send(message: Uint8Array, to: Ipv4Address): void {
    this.#descriptor.send(message, socketAddress(to, 0));
  }

  [Symbol.dispose](): void {
    this.#descriptor.close();
  }

  #read(listener: (packet: Uint8Array) => void): void {
    for (let left = 64; left > 0; left--) {
      const length = this.#descriptor.receive(this.#buffer);
      if (length === undefined) return;
      listener(this.#buffer.subarray(0, length));
    }
  }
}
