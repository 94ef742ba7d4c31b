import type { RealIndex } from '../../forwarding/decision.ts';
import type { ForwardingImage } from '../../forwarding/image/forwarding-image.ts';
import type { PathMtus } from '../../forwarding/path-mtus.ts';
import { bootTimeMs } from '../../linux/clock.ts';
import type { NetlinkSocket } from '../../linux/netlink/socket.ts';
import { onlyIpv4 } from '../../net/ip-address.ts';
import type { Ipv4Address } from '../../net/ipv4-address.ts';
import type { PlaneEventListener } from '../data-plane.ts';
import type { NextHop } from './next-hop.ts';
import { NextHops } from './next-hops.ts';

/** Writes the way to each real server into its entries of the image, and keeps it what it is. */
export class RealPaths implements Disposable {
  readonly #image: ForwardingImage;
  readonly #pathMtus: PathMtus;
  readonly #nextHops: NextHops;
  /** Entries of each real server's address. */
  #entries = new Map<Ipv4Address, RealIndex[]>();

  constructor(options: {
    readonly image: ForwardingImage;
    readonly pathMtus: PathMtus;
    readonly netlink: NetlinkSocket;
    readonly onEvent: PlaneEventListener;
  }) {
    this.#image = options.image;
    this.#pathMtus = options.pathMtus;
    this.#nextHops = new NextHops(options.netlink, {
      changed: (address, hop) => this.#write(address, hop),
      reported: (real, { state, detail }) =>
        options.onEvent({ type: 'next-hop', real, resolved: state === 'resolved', detail }),
    });
    this.follow();
  }

  /** Follows the reals that the image has now, and writes what is known of the way to each. */
  follow(): void {
    this.#entries = new Map();
    for (const { index, address: real } of this.#image.reals()) {
      const address = onlyIpv4(real);
      const entries = this.#entries.get(address);
      if (entries === undefined) this.#entries.set(address, [index]);
      else entries.push(index);
    }
    const known = [...this.#entries.keys()].filter((address) => this.#nextHops.hop(address) !== undefined);
    this.#nextHops.follow(new Set(this.#entries.keys()));
    for (const address of known) {
      const hop = this.#nextHops.hop(address);
      if (hop !== undefined) this.#write(address, hop);
    }
  }

  /** The director's own address on the way to a real; undefined when there is no route. */
  sourceTo(real: Ipv4Address): Ipv4Address | undefined {
    return this.#nextHops.hop(real)?.sourceAddress;
  }

  [Symbol.dispose](): void {
    this.#nextHops[Symbol.dispose]();
  }

  #write(address: Ipv4Address, hop: NextHop): void {
    const mtuBytes = this.#pathMtus.bound(address, hop.mtuBytes, bootTimeMs());
    const path = { sourceAddress: hop.sourceAddress, mtuBytes, resolved: hop.resolved };
    for (const index of this.#entries.get(address) ?? []) this.#image.setPath(index, path);
  }
}
