// Routes and neighbours of the host, kept up to date by netlink.
import { type Link, listLinks } from '../../../linux/netlink/devices/link.ts';
import type { NetworkChange } from '../../../linux/netlink/monitor.ts';
import { NetworkMonitor } from '../../../linux/netlink/monitor.ts';
import { listNeighbours, type Neighbour } from '../../../linux/netlink/neighbour.ts';
import type { NetlinkSocket } from '../../../linux/netlink/socket.ts';
import { familyOf, type IpAddress } from '../../../net/address/ip-address.ts';

/** A change in the network: of one neighbour, or of anything that routes may depend on. */
export type ViewChange =
  | { readonly type: 'neighbour'; readonly ifIndex: number; readonly address: IpAddress }
  | { readonly type: 'routes' };

/** The links and neighbours of the network namespace, as the kernel last reported them. */
export class NetworkView implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #monitor: NetworkMonitor;
  readonly #links = new Map<number, Link>();
  readonly #neighbours = new Map<string, Neighbour>();
  readonly #onChange: (change: ViewChange) => void;

  constructor(socket: NetlinkSocket, onChange: (change: ViewChange) => void) {
    this.#socket = socket;
    this.#onChange = onChange;
    // The subscription comes first, so that no change during the reading is missed.
    this.#monitor = new NetworkMonitor((change) => this.#take(change));
    this.#readAll();
  }

  link(ifIndex: number): Link | undefined {
    return this.#links.get(ifIndex);
  }

  neighbour(ifIndex: number, address: IpAddress): Neighbour | undefined {
    return this.#neighbours.get(keyOf(ifIndex, address));
  }

  [Symbol.dispose](): void {
    this.#monitor.close();
  }

  #readAll(): void {
    this.#links.clear();
    this.#neighbours.clear();
    for (const link of listLinks(this.#socket)) this.#links.set(link.index, link);
    for (const neighbour of listNeighbours(this.#socket)) {
      this.#neighbours.set(keyOf(neighbour.ifIndex, neighbour.address), neighbour);
    }
  }

  #take(change: NetworkChange): void {
    switch (change.type) {
      case 'neighbour': {
        const { ifIndex, address } = change.neighbour;
        if (change.removed) this.#neighbours.delete(keyOf(ifIndex, address));
        else this.#neighbours.set(keyOf(ifIndex, address), change.neighbour);
        this.#onChange({ type: 'neighbour', ifIndex, address });
        return;
      }
      case 'link':
        if (change.removed) this.#links.delete(change.link.index);
        else this.#links.set(change.link.index, change.link);
        break;
      case 'overrun':
        this.#readAll();
        break;
      default:
    }
    this.#onChange({ type: 'routes' });
  }
}

function keyOf(ifIndex: number, address: IpAddress): string {
  return `${ifIndex} ${familyOf(address)} ${address}`;
}
