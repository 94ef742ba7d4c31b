// Routes of a simulated node, by longest prefix.
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';

/** Routes by longest prefix. Adding and finding take as long as there are lengths, however many routes there are. */
export class RouteTable<Target> {
  readonly #byLength = new Map<number, Map<number, Target>>();
  /** Longest first. */
  #lengths: number[] = [];

  /** Adds a route, in place of one for the same network. */
  add(network: Ipv4Address, prefixBits: number, target: Target): void {
    const routes = this.#byLength.get(prefixBits) ?? new Map<number, Target>();
    routes.set(masked(network, prefixBits), target);
    if (this.#byLength.has(prefixBits)) return;
    this.#byLength.set(prefixBits, routes);
    this.#lengths = [...this.#byLength.keys()].sort((a, b) => b - a);
  }

  find(address: Ipv4Address): Target | undefined {
    for (const prefixBits of this.#lengths) {
      const target = this.#byLength.get(prefixBits)?.get(masked(address, prefixBits));
      if (target !== undefined) return target;
    }
    return undefined;
  }
}

function masked(address: number, prefixBits: number): number {
  return prefixBits === 0 ? 0 : (address & (-1 << (32 - prefixBits))) >>> 0;
}
