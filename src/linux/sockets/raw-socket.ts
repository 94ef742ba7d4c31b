// Raw sockets: whole IP packets, sent as the kernel's routing has it.
import { constants } from 'node:os';
import { formatIp, type IpAddress, isIpv4 } from '../../net/address/ip-address.ts';
import { errnoOf, kernelError } from '../errno.ts';
import { type Descriptor, openSocket, SOCK, SOL } from '../process/descriptor.ts';
import { AF } from './address-family.ts';
import { socketAddress } from './socket-address.ts';

const IPPROTO_RAW = 255;
const SO_SNDBUFFORCE = 32;
const SEND_BYTES = 4 << 20;

/** Sends whole IP packets, whatever their source address and protocol, as the kernel's routing has it. */
export class RawSender implements Disposable {
  readonly #ipv4: Descriptor;
  /** The IPv6 socket; undefined on a kernel without IPv6. */
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

/** Opens a sender. With IPPROTO_RAW both families take the header from the packet (inet_create, inet6_create). */
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
