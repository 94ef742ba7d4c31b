import type { Descriptor } from './descriptor.ts';
import { Icmpv6Reader, openIcmpv6 } from './icmpv6-socket.ts';

/** Receives the ICMPv6 messages of some types that come to the machine's own addresses. */
export class Icmpv6Receiver implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #reader: Icmpv6Reader;

  constructor(icmpTypes: readonly number[]) {
    this.#descriptor = openIcmpv6(icmpTypes);
    this.#reader = new Icmpv6Reader(this.#descriptor);
  }

  /** A whole packet, its header rebuilt as `Icmpv6Reader` says; valid until the next call. Undefined: none now. */
  receive(): Uint8Array | undefined {
    return this.#reader.receive();
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
