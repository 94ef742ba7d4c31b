// A TUN device: IP packets.
import type { Descriptor } from '../process/descriptor.ts';
import { IFF, openTunDevice } from './tun-device.ts';

const PACKET_BYTES = 65_536;

/** A TUN device of the network namespace that it is made in: IP packets without frames. It goes with the process. */
export class Tun implements Disposable {
  readonly name: string;
  readonly #descriptor: Descriptor;
  readonly #buffer: Uint8Array = new Uint8Array(PACKET_BYTES);

  constructor(name: string) {
    this.name = name;
    this.#descriptor = openTunDevice(name, {
      kind: 'TUN',
      flags: IFF.tun | IFF.noPacketInfo,
      persistent: false,
    });
  }

  /** The next packet that the stack sends, valid until the next read; undefined when there is none now. */
  read(): Uint8Array | undefined {
    const length = this.#descriptor.read(this.#buffer);
    return length === undefined ? undefined : this.#buffer.subarray(0, length);
  }

  /** Has the stack receive a packet. False when there is no room. @throws CulvertError KERNEL, EINVAL for what is not IP. */
  write(packet: Uint8Array): boolean {
    return this.#descriptor.write(packet) !== undefined;
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
