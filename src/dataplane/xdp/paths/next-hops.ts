// Keeps the ways to addresses up to date.
import { NUD } from '../../../linux/netlink/constants.ts';
import type { Link } from '../../../linux/netlink/devices/link.ts';
import { probeNeighbour } from '../../../linux/netlink/neighbour.ts';
import { lookUpRoute } from '../../../linux/netlink/route.ts';
import type { NetlinkSocket } from '../../../linux/netlink/socket.ts';
import type { IpAddress } from '../../../net/address/ip-address.ts';
import { NetworkView, type ViewChange } from './network-view.ts';
import { type NextHop, resolveNextHop } from './next-hop.ts';
import type { WaysOut } from './ways-out.ts';

export interface NextHopListener {
  /** Called with the present way to the address, only when it has changed. */
  changed(address: IpAddress, hop: NextHop): void;
  /** Called when a way was lost or found again, for the operator. */
  reported(address: IpAddress, hop: NextHop): void;
}

interface Followed {
  hop: NextHop;
  /** True if the loss was reported to the operator. */
  lost: boolean;
  /** The time at which it stopped being resolved; undefined while it is resolved. */
  unresolvedSinceMs: number | undefined;
}

/** The delay before changes are handled: changes of routes come in bursts, which are handled together. */
const DEBOUNCE_MS = 3;
/** The number of addresses looked up before other work gets a turn. */
const SLICE = 100;
const PROBE_INTERVAL_MS = 1000;
/** The time before an unresolved address is reported: a short one is no news for the operator. */
const PATIENCE_MS = 3000;

/**
 * Follows the way to each address: route, source address, MTU and MAC addresses. The kernel is asked to confirm stale
 * neighbours, because it does not see the traffic that would otherwise make it do so.
 */
export class NextHops implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #view: NetworkView;
  readonly #waysOut: WaysOut;
  readonly #listener: NextHopListener;
  readonly #followed = new Map<IpAddress, Followed>();
  readonly #probeTimer: NodeJS.Timeout;
  #refreshTimer: NodeJS.Timeout | undefined;
  #generation = 0;
  #closed = false;

  constructor(socket: NetlinkSocket, waysOut: WaysOut, listener: NextHopListener) {
    this.#socket = socket;
    this.#waysOut = waysOut;
    this.#listener = listener;
    this.#view = new NetworkView(socket, (change) => this.#onChange(change));
    this.#probeTimer = setInterval(() => this.#probe(), PROBE_INTERVAL_MS);
    this.#probeTimer.unref();
  }

  /** Follows these addresses and no others. What is known of the way to each has been reported when it returns. */
  follow(addresses: ReadonlySet<IpAddress>): void {
    for (const address of this.#followed.keys()) {
      if (!addresses.has(address)) this.#followed.delete(address);
    }
    for (const address of addresses) {
      if (!this.#followed.has(address)) this.#start(address);
    }
  }

  /** Returns the way to an address; undefined for an address that is not followed. */
  hop(address: IpAddress): NextHop | undefined {
    return this.#followed.get(address)?.hop;
  }

  /** Returns the present way to an address, followed or not. */
  resolve(address: IpAddress): NextHop {
    const network = {
      link: (ifIndex: number) => this.#view.link(ifIndex),
      neighbour: (ifIndex: number, of: IpAddress) => this.#view.neighbour(ifIndex, of),
      wayOut: (link: Link) => this.#waysOut.way(link),
    };
    return resolveNextHop(network, address, lookUpRoute(this.#socket, address));
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearInterval(this.#probeTimer);
    clearTimeout(this.#refreshTimer);
    this.#view[Symbol.dispose]();
  }

  #start(address: IpAddress): void {
    const hop = this.resolve(address);
    const unresolvedSinceMs = hop.state === 'resolved' ? undefined : performance.now();
    this.#followed.set(address, { hop, lost: false, unresolvedSinceMs });
    this.#listener.changed(address, hop);
    if (hop.state !== 'resolved') this.#ask(hop);
  }

  #onChange(change: ViewChange): void {
    if (change.type === 'routes') {
      this.#waysOut.expire();
      this.#refreshTimer ??= setTimeout(() => this.#refreshAll(), DEBOUNCE_MS);
      return;
    }
    for (const [address, { hop }] of this.#followed) {
      if (hop.neighbour?.ifIndex !== change.ifIndex || hop.neighbour.address !== change.address) continue;
      // The kernel drops neighbours that it does not use itself. The way stays until an answer fails to come.
      const dropped = this.#view.neighbour(change.ifIndex, change.address) === undefined;
      if (dropped) this.#ask(hop);
      else this.#refresh(address);
    }
  }

  #refreshAll(): void {
    this.#refreshTimer = undefined;
    const generation = ++this.#generation;
    const addresses = [...this.#followed.keys()];
    const slice = (from: number): void => {
      if (this.#closed || generation !== this.#generation) return;
      for (const address of addresses.slice(from, from + SLICE)) this.#refresh(address);
      if (from + SLICE < addresses.length) setImmediate(slice, from + SLICE);
    };
    slice(0);
  }

  #refresh(address: IpAddress): void {
    const followed = this.#followed.get(address);
    if (followed === undefined) return;
    const hop = this.resolve(address);
    if (!sameHop(hop, followed.hop)) this.#listener.changed(address, hop);
    followed.hop = hop;
    if (hop.state === 'resolved') {
      followed.unresolvedSinceMs = undefined;
      if (followed.lost) this.#listener.reported(address, hop);
      followed.lost = false;
      return;
    }
    followed.unresolvedSinceMs ??= performance.now();
    this.#reportLoss(address, followed);
    if (hop.state === 'resolving') this.#ask(hop);
  }

  #reportLoss(address: IpAddress, followed: Followed): void {
    if (followed.lost || followed.hop.state === 'resolved' || followed.unresolvedSinceMs === undefined)
      return;
    const waitedMs = performance.now() - followed.unresolvedSinceMs;
    if (followed.hop.state === 'resolving' && (waitedMs < PATIENCE_MS || !followed.hop.neighbour)) return;
    followed.lost = true;
    this.#listener.reported(address, followed.hop);
  }

  #probe(): void {
    if (this.#waysOut.refresh()) this.#refreshAll();
    const asked = new Set<string>();
    for (const [address, followed] of this.#followed) {
      this.#reportLoss(address, followed);
      const { neighbour } = followed.hop;
      if (neighbour === undefined) continue;
      const entry = this.#view.neighbour(neighbour.ifIndex, neighbour.address);
      const confirmed = NUD.reachable | NUD.permanent | NUD.noArp | NUD.delay | NUD.probe | NUD.incomplete;
      const key = `${neighbour.ifIndex} ${neighbour.address}`;
      if (asked.has(key) || (entry !== undefined && (entry.state & confirmed) !== 0)) continue;
      asked.add(key);
      this.#ask(followed.hop);
    }
  }

  #ask(hop: NextHop): void {
    if (hop.neighbour === undefined) return;
    try {
      probeNeighbour(this.#socket, hop.neighbour.ifIndex, hop.neighbour.address);
    } catch {
      // The interface went away meanwhile; the notification about that is on its way.
    }
  }
}

function sameHop(one: NextHop, other: NextHop): boolean {
  return (
    one.sourceAddress === other.sourceAddress &&
    one.mtuBytes === other.mtuBytes &&
    one.local === other.local &&
    one.resolved?.ifIndex === other.resolved?.ifIndex &&
    one.resolved?.vlan === other.resolved?.vlan &&
    one.resolved?.redirect === other.resolved?.redirect &&
    sameMac(one.resolved?.nextHopMac, other.resolved?.nextHopMac) &&
    sameMac(one.resolved?.sourceMac, other.resolved?.sourceMac)
  );
}

function sameMac(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.compare(one, other) === 0;
}
