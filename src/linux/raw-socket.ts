import { constants } from 'node:os';
import { formatIp, type IpAddress, isIpv4 } from '../net/ip-address.ts';
import { AF } from './address-family.ts';
import { type Descriptor, int32, openSocket, SOCK, SOL } from './descriptor.ts';
import { errnoOf, kernelError } from './errno.ts';
import { socketAddress } from './socket-address.ts';

const IPPROTO_ICMP = 1;
const IPPROTO_RAW = 255;
const ICMP_FILTER = 1;
const SO_SNDBUFFORCE = 32;
const SEND_BYTES = 4 << 20;
const DATAGRAM_BYTES = 65_536;

/** Sends whole IP packets, whatever their source address and protocol, as the kernel's routing has it. */
export class RawSender implements Disposable {
  readonly #ipv4: Descriptor;
  /** Undefined on a kernel that was told to do without IPv6. */
  readonly #ipv6: Descriptor | undefined;

  constructor() {
    using opening = new DisposableStack();
    this.#ipv4 = opening.use(openSender(AF.inet));
    this.#ipv6 = openIpv6Sender();
    opening.move();
  }

  /**
   * False when the send buffer is full. IPv4 packets get their total length, checksum and, when it is 0, their ID from
   * the kernel; IPv6 packets leave as they are, fragment headers and all.
   * @param to Where it is routed to, of the packet's family; not link-local.
   * @throws CulvertError KERNEL, such as EMSGSIZE (it does not fit the interface's MTU) or ENETUNREACH.
   */
  send(packet: Uint8Array, to: IpAddress): boolean {
    const descriptor = isIpv4(to) ? this.#ipv4 : this.#ipv6;
    if (descriptor === undefined) throw kernelError(`send to ${formatIp(to)}`, constants.errno.EAFNOSUPPORT);
    return descriptor.send(packet, socketAddress(to, 0)) !== undefined;
  }

  close(): void {
    this.#ipv4.close();
    this.#ipv6?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** With IPPROTO_RAW both families take the header from the packet (inet_create, inet6_create). */
function openSender(domain: number): Descriptor {
  const descriptor = openSocket('raw socket', { domain, type: SOCK.raw, protocol: IPPROTO_RAW });
  descriptor.setOption(SOL.socket, SO_SNDBUFFORCE, SEND_BYTES);
  return descriptor;
}

function openIpv6Sender(): Descriptor | undefined {
  try {
    return openSender(AF.inet6);
  } catch (error) {
    if (errnoOf(error) === 'EAFNOSUPPORT') return undefined;
    throw error;
  }
}

/** Receives the ICMP messages of some types, IP header included, that come to the machine's own addresses. */
export class IcmpReceiver implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #buffer: Uint8Array = new Uint8Array(DATAGRAM_BYTES);

  constructor(icmpTypes: readonly number[]) {
    this.#descriptor = openSocket('ICMP socket', { domain: AF.inet, type: SOCK.raw, protocol: IPPROTO_ICMP });
    this.#descriptor.setOption(
      SOL.raw,
      ICMP_FILTER,
      int32(~icmpTypes.reduce((mask, type) => mask | (1 << type), 0)),
    );
  }

  /** Valid until the next call; undefined when there is none now. */
  receive(): Uint8Array | undefined {
    const length = this.#descriptor.receive(this.#buffer);
    return length === undefined ? undefined : this.#buffer.subarray(0, length);
  }

  onReadable(listener: () => void): void {
    this.#descriptor.onReadable(listener);
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
