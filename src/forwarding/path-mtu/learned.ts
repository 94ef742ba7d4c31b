// The path MTUs that routers reported, with their lifetimes.
import type { IpAddress, IpFamily } from '../../net/address/ip-address.ts';
import type { ForwardingImage } from '../image/forwarding-image.ts';

/** The lifetime of a reported path MTU, as in the kernel's IPVS (net.ipv4.route.mtu_expires). */
const LIFETIME_MS = 600_000;
/** The least path MTU that a report can set (net.ipv4.route.min_pmtu; RFC 8200, section 5). */
export const LEAST_PATH_MTU_BYTES: Readonly<Record<IpFamily, number>> = { 4: 552, 6: 1280 };

interface Learned {
  readonly mtuBytes: number;
  readonly expiresMs: number;
}

/**
 * Path MTUs that routers on the way to reals reported. The image's entries hold the MTU in force. Code that writes a path into
 * the image passes the route's MTU through `bound` first.
 */
export class PathMtus {
  readonly #learned = new Map<IpAddress, Learned>();
  /** The route's own MTU, restored when a learned one expires. */
  readonly #routes = new Map<IpAddress, number>();

  /** Returns the MTU in force on a path whose route has this MTU. */
  bound(real: IpAddress, routeMtuBytes: number, nowMs: number): number {
    const learned = this.#learned.get(real);
    if (learned === undefined) return routeMtuBytes;
    this.#routes.set(real, routeMtuBytes);
    return learned.expiresMs <= nowMs ? routeMtuBytes : Math.min(routeMtuBytes, learned.mtuBytes);
  }

  /** Lowers the MTU of every entry of that real; `currentBytes` is the one in force until now. */
  lower(image: ForwardingImage, real: IpAddress, change: PathMtuChange): void {
    const { currentBytes, mtuBytes, nowMs } = change;
    if (!this.#routes.has(real)) this.#routes.set(real, currentBytes);
    this.#learned.set(real, { mtuBytes, expiresMs: nowMs + LIFETIME_MS });
    setMtu(image, real, mtuBytes);
  }

  sweep(image: ForwardingImage, nowMs: number): void {
    for (const [real, { expiresMs }] of this.#learned) {
      if (expiresMs > nowMs) continue;
      this.#learned.delete(real);
      const routeMtuBytes = this.#routes.get(real);
      this.#routes.delete(real);
      if (routeMtuBytes !== undefined) setMtu(image, real, routeMtuBytes);
    }
  }
}

export interface PathMtuChange {
  readonly currentBytes: number;
  readonly mtuBytes: number;
  readonly nowMs: number;
}

function setMtu(image: ForwardingImage, real: IpAddress, mtuBytes: number): void {
  for (const { index, address } of image.reals()) if (address === real) image.setMtu(index, mtuBytes);
}
