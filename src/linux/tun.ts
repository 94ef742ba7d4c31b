import { Descriptor } from './descriptor.ts';
import { checked } from './errno.ts';
import { libc } from './libc.ts';

const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const O_RDWR_NONBLOCK_CLOEXEC = 0o2 | 0o4000 | 0o2000000;
const IFREQ_BYTES = 40;
const IFREQ_FLAGS = 16;
const NAME_BYTES = 16;
const PACKET_BYTES = 65_536;

/** A TUN device of the network namespace that it is made in: IP packets without frames. It goes with the process. */
export class Tun implements Disposable {
  readonly name: string;
  readonly #descriptor: Descriptor;
  readonly #buffer: Uint8Array = new Uint8Array(PACKET_BYTES);

  constructor(name: string) {
    this.name = name;
    const fd = checked('open /dev/net/tun', libc.open('/dev/net/tun', O_RDWR_NONBLOCK_CLOEXEC, 0));
    this.#descriptor = new Descriptor(fd, `TUN ${name}`);
    try {
      const request = Buffer.alloc(IFREQ_BYTES);
      request.write(name, 0, NAME_BYTES - 1);
      request.writeUInt16LE(IFF_TUN | IFF_NO_PI, IFREQ_FLAGS);
      checked(`create TUN ${name}`, libc.ioctl(fd, TUNSETIFF, request));
    } catch (error) {
      this.#descriptor.close();
      throw error;
    }
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
