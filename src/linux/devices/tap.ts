// A TAP device: Ethernet frames.
import type { Descriptor } from '../process/descriptor.ts';
import { IFF, openTunDevice } from './tun-device.ts';

/** struct virtio_net_hdr, without the count of buffers. */
const VNET_HEADER_BYTES = 10;
const VNET_NEEDS_CHECKSUM = 1;
const FRAME_BYTES = 65_536 + 64;

/** A frame that came out of a TAP device. */
export interface TapFrame {
  /** Valid until the next read. */
  readonly frame: Uint8Array;
  /** The payload of each of the segments that were merged to it; 0: it is as it was on the wire. */
  readonly segmentBytes: number;
  /** The transport checksum covers the pseudo header only: its place and where the sum has to begin; undefined: done. */
  readonly checksum: { readonly start: number; readonly at: number } | undefined;
}

/** A TAP device; one process at a time may hold it. */
export class Tap implements Disposable {
  readonly name: string;
  readonly #descriptor: Descriptor;
  /** Not a Buffer, whose `slice()` would be a view of it. */
  readonly #buffer = new Uint8Array(FRAME_BYTES);
  readonly #header = new DataView(this.#buffer.buffer, 0, VNET_HEADER_BYTES);

  /**
   * Creates the device, or takes over the one that is there.
   * @param persistent Whether it outlives the process, until its link is deleted.
   * @throws CulvertError KERNEL EBUSY when it is held.
   */
  constructor(name: string, { persistent = true }: { readonly persistent?: boolean } = {}) {
    this.name = name;
    const flags = IFF.tap | IFF.noPacketInfo | IFF.vnetHeader;
    this.#descriptor = openTunDevice(name, { kind: 'TAP', flags, persistent });
  }

  /** The next frame; undefined when there is none now. */
  read(): TapFrame | undefined {
    const length = this.#descriptor.read(this.#buffer);
    if (length === undefined) return undefined;
    const flags = this.#header.getUint8(0);
    const start = this.#header.getUint16(6, true);
    return {
      frame: this.#buffer.subarray(VNET_HEADER_BYTES, length),
      segmentBytes: this.#header.getUint8(1) === 0 ? 0 : this.#header.getUint16(4, true),
      checksum:
        flags & VNET_NEEDS_CHECKSUM ? { start, at: start + this.#header.getUint16(8, true) } : undefined,
    };
  }

  onReadable(listener: () => void): void {
    this.#descriptor.onReadable(listener);
  }

  /** Lets go of the device, which stays if it is persistent. */
  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
