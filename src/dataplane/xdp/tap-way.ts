import type { NetlinkSocket } from '../../linux/netlink/socket.ts';
import { Tap } from '../../linux/tap.ts';
import type { Drift } from './drift-watch.ts';
import { checkMark, dropMarkRules, prepareTap, tapFaults } from './tap-routing.ts';

export interface TapWayOptions {
  readonly netlink: NetlinkSocket;
  readonly tap: Tap;
  /** The least of the director's interfaces. */
  readonly linkMtuBytes: number;
}

/** The TAP device by which packets come to the slow path, and the host's routing of marked packets into it. */
export class TapWay implements Disposable {
  readonly #netlink: NetlinkSocket;
  #tap: Tap;
  #ifIndex: number;
  #linkMtuBytes: number;
  #listener: ((tap: Tap) => void) | undefined;

  constructor({ netlink, tap, linkMtuBytes }: TapWayOptions) {
    this.#netlink = netlink;
    this.#tap = tap;
    this.#linkMtuBytes = linkMtuBytes;
    this.#ifIndex = prepareTap(netlink, tap.name, linkMtuBytes);
  }

  get name(): string {
    return this.#tap.name;
  }

  get ifIndex(): number {
    return this.#ifIndex;
  }

  /** Of sockets whose packets are to come here. */
  get mark(): number {
    return checkMark(this.#ifIndex);
  }

  setLinkMtu(linkMtuBytes: number): void {
    this.#linkMtuBytes = linkMtuBytes;
    prepareTap(this.#netlink, this.name, linkMtuBytes);
  }

  /** Calls `listener` with the device, and with each one that takes its place. */
  onTap(listener: (tap: Tap) => void): void {
    this.#listener = listener;
    listener(this.#tap);
  }

  /** Makes the device and the routing what they were. */
  mend(): Drift[] {
    const faults = tapFaults(this.#netlink, this.name, this.#ifIndex);
    if (faults.length === 0) return [];
    if (faults.includes('gone')) this.#makeAnew();
    this.#ifIndex = prepareTap(this.#netlink, this.name, this.#linkMtuBytes);
    return faults.map((fault) =>
      fault === 'gone'
        ? { found: `the TAP device ${this.name} is gone`, done: 'made anew', mended: true }
        : { found: `the TAP device ${this.name}: ${fault}`, done: 'put back', mended: true },
    );
  }

  /** Lets go of the device, which stays. */
  [Symbol.dispose](): void {
    this.#tap.close();
  }

  #makeAnew(): void {
    this.#tap.close();
    dropMarkRules(this.#netlink, this.mark);
    this.#tap = new Tap(this.name);
    this.#listener?.(this.#tap);
  }
}
