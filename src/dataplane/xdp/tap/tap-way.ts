// A TAP device by which the fast path hands frames over.
import { Tap } from '../../../linux/devices/tap.ts';
import type { NetlinkSocket } from '../../../linux/netlink/socket.ts';
import type { Drift } from '../drift-watch.ts';
import { prepareTap, removeFormerRouting, tapFaults } from './tap-device.ts';

export interface TapWayOptions {
  readonly netlink: NetlinkSocket;
  readonly name: string;
  /** True if the device outlives the daemon. */
  readonly persistent: boolean;
}

/** A TAP device by which the fast path hands frames over. */
export class TapWay implements Disposable {
  readonly #options: TapWayOptions;
  #tap: Tap;
  #ifIndex: number;
  #listener: ((tap: Tap) => void) | undefined;

  /** @throws CulvertError KERNEL EBUSY when another process has it. */
  constructor(options: TapWayOptions) {
    const { netlink, name } = options;
    this.#options = options;
    this.#tap = new Tap(name, options);
    try {
      this.#ifIndex = prepareTap(netlink, name);
      removeFormerRouting(netlink, this.#ifIndex);
    } catch (error) {
      this.#tap.close();
      throw error;
    }
  }

  get name(): string {
    return this.#options.name;
  }

  get ifIndex(): number {
    return this.#ifIndex;
  }

  /** Calls `listener` with the device, and with each one that takes its place. */
  onTap(listener: (tap: Tap) => void): void {
    this.#listener = listener;
    listener(this.#tap);
  }

  /** Restores the device. */
  mend(): Drift[] {
    const { netlink, name } = this.#options;
    const faults = tapFaults(netlink, name, this.#ifIndex);
    if (faults.length === 0) return [];
    if (faults.includes('gone')) this.#makeAnew();
    this.#ifIndex = prepareTap(netlink, name);
    return faults.map((fault) =>
      fault === 'gone'
        ? { found: `the TAP device ${name} is gone`, done: 'created again', mended: true }
        : { found: `the TAP device ${name}: ${fault}`, done: 'put back', mended: true },
    );
  }

  /** Closes the device. */
  [Symbol.dispose](): void {
    this.#tap.close();
  }

  #makeAnew(): void {
    this.#tap.close();
    this.#tap = new Tap(this.name, this.#options);
    this.#listener?.(this.#tap);
  }
}
