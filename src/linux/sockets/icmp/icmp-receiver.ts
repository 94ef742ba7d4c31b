// Receives ICMP messages to the machine's own addresses.
import type { IpFamily } from '../../../net/address/ip-address.ts';
import { type Descriptor, openSocket, SOCK } from '../../process/descriptor.ts';
import { kernelFamily } from '../address-family.ts';
import { ICMP_PROTOCOL, type IcmpReader, icmpReader } from './icmp-reader.ts';

/** Receives the ICMP messages of some types that come to the machine's own addresses. */
export class IcmpReceiver implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #read: IcmpReader;

  /** @throws CulvertError KERNEL, EAFNOSUPPORT on a kernel without the family. */
  constructor(family: IpFamily, icmpTypes: readonly number[]) {
    const kind = { domain: kernelFamily(family), type: SOCK.raw, protocol: ICMP_PROTOCOL[family] };
    using opening = new DisposableStack();
    this.#descriptor = opening.use(openSocket('ICMP socket', kind));
    this.#read = icmpReader(this.#descriptor, family, icmpTypes);
    opening.move();
  }

  /** A whole packet, valid until the next call; undefined when there is none now. */
  receive(): Uint8Array | undefined {
    return this.#read();
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
