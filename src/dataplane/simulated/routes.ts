import type { Ipv4Address } from '../../net/ipv4-address.ts';

interface Route<Target> {
  readonly network: number;
  readonly prefixBits: number;
  readonly target: Target;
}

/** Routes by longest prefix. */
export class RouteTable<Target> {
  #routes: Route<Target>[] = [];
  readonly #found = new Map<Ipv4Address, Target | undefined>();

  /** Adds a route, in place of one for the same network. */
  add(network: Ipv4Address, prefixBits: number, target: Target): void {
    const masked = mask(network, prefixBits);
    const others = this.#routes.filter(
      (route) => route.network !== masked || route.prefixBits !== prefixBits,
    );
    this.#routes = [...others, { network: masked, prefixBits, target }].sort(
      (a, b) => b.prefixBits - a.prefixBits,
    );
    this.#found.clear();
  }

  find(address: Ipv4Address): Target | undefined {
    if (this.#found.has(address)) return this.#found.get(address);
    const target = this.#routes.find(
      ({ network, prefixBits }) => mask(address, prefixBits) === network,
    )?.target;
    this.#found.set(address, target);
    return target;
  }
}

function mask(address: number, prefixBits: number): number {
  return prefixBits === 0 ? 0 : (address & (-1 << (32 - prefixBits))) >>> 0;
}
