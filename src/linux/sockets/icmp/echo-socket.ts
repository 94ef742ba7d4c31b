// Sockets for ICMP echo.
import { familyOf, type IpAddress, type IpFamily } from '../../../net/address/ip-address.ts';
import { type Descriptor, SOCK } from '../../process/descriptor.ts';
import { openBoundSocket, type SocketSource } from '../bound-socket.ts';
import { socketAddress } from '../socket-address.ts';
import { ICMP_PROTOCOL, icmpReader } from './icmp-reader.ts';

/** Echo replies, and errors that say that none will come: unreachable, time exceeded, and ICMPv6's packet too big. */
const HEARD: Readonly<Record<IpFamily, readonly number[]>> = { 4: [0, 3, 11], 6: [129, 1, 2, 3] };
const MESSAGES_IN_A_ROW = 64;

/**
 * Sends echo requests and hears all replies and errors that come to the machine. Raw, because Linux's own echo sockets
 * are open to no group by default (net.ipv4.ping_group_range), not even to root's.
 */
export class EchoSocket implements Disposable {
  readonly #descriptor: Descriptor;

  /**
   * @param source The family goes by it; 0.0.0.0 or ::, as routing has it.
   * @param listener Gets whole IP packets, valid until it returns; IPv6 headers as `icmpv6Reader` rebuilds them.
   */
  constructor(how: SocketSource, listener: (packet: Uint8Array) => void) {
    const family = familyOf(how.source);
    const protocol = ICMP_PROTOCOL[family];
    const options = { name: 'echo socket', type: SOCK.raw, protocol, ...how };
    const { descriptor } = openBoundSocket(options);
    this.#descriptor = descriptor;
    const read = icmpReader(descriptor, family, HEARD[family]);
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
