import { familyOf, type IpAddress, type IpFamily } from '../net/ip-address.ts';
import { type Descriptor, int32, SOCK, SOL } from './descriptor.ts';
import { Icmpv6Reader, IPPROTO_ICMPV6, prepareIcmpv6 } from './icmpv6-socket.ts';
import { openMarkedSocket } from './marked-socket.ts';
import { socketAddress } from './socket-address.ts';

const IPPROTO_ICMP = 1;
const ICMP_FILTER = 1;
const DATAGRAM_BYTES = 65_536;
/** Echo replies, and errors that say that none will come: unreachable, time exceeded, and ICMPv6's packet too big. */
const HEARD: Readonly<Record<IpFamily, readonly number[]>> = { 4: [0, 3, 11], 6: [129, 1, 2, 3] };
const MESSAGES_IN_A_ROW = 64;

/** A packet; undefined when there is none now. */
type Reader = () => Uint8Array | undefined;

/**
 * Sends echo requests and hears all replies and errors that come to the machine. Raw, because Linux's own echo sockets
 * are open to no group by default (net.ipv4.ping_group_range), not even to root's.
 */
export class EchoSocket implements Disposable {
  readonly #descriptor: Descriptor;

  /**
   * @param source The family goes by it; 0.0.0.0 or ::, as routing has it.
   * @param listener Gets whole IP packets, valid until it returns; IPv6 headers as `Icmpv6Reader` rebuilds them.
   */
  constructor(
    { mark, source }: { readonly mark: number | undefined; readonly source: IpAddress },
    listener: (packet: Uint8Array) => void,
  ) {
    const protocol = familyOf(source) === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    const options = { name: 'echo socket', type: SOCK.raw, protocol, mark, source };
    const { descriptor } = openMarkedSocket(options);
    this.#descriptor = descriptor;
    const read = familyOf(source) === 4 ? readerOfIpv4(descriptor) : readerOfIpv6(descriptor);
    descriptor.onReadable(() => {
      for (let left = MESSAGES_IN_A_ROW; left > 0; left--) {
        const packet = read();
        if (packet === undefined) return;
        listener(packet);
      }
    });
  }

  /** The kernel sets ICMPv6 checksums. @throws CulvertError KERNEL, such as ENETUNREACH. */
  send(message: Uint8Array, to: IpAddress): void {
    this.#descriptor.send(message, socketAddress(to, 0));
  }

  [Symbol.dispose](): void {
    this.#descriptor.close();
  }
}

function readerOfIpv4(descriptor: Descriptor): Reader {
  const unheard = ~HEARD[4].reduce((mask, type) => mask | (1 << type), 0);
  descriptor.setOption(SOL.raw, ICMP_FILTER, int32(unheard));
  const buffer = new Uint8Array(DATAGRAM_BYTES);
  return () => {
    const length = descriptor.receive(buffer);
    return length === undefined ? undefined : buffer.subarray(0, length);
  };
}

function readerOfIpv6(descriptor: Descriptor): Reader {
  prepareIcmpv6(descriptor, HEARD[6]);
  const reader = new Icmpv6Reader(descriptor);
  return () => reader.receive();
}
