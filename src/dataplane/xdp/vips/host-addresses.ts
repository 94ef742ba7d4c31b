// The host's own addresses, from which no client's packet can come, as they change.
import { listAddresses } from '../../../linux/netlink/address.ts';
import { NetworkMonitor } from '../../../linux/netlink/monitor.ts';
import type { NetlinkSocket } from '../../../linux/netlink/socket.ts';
import type { IpAddress } from '../../../net/address/ip-address.ts';

/** Changes come in bursts; they are handled together after this time. */
const DEBOUNCE_MS = 3;

/** Reports all addresses of the host at once and whenever they change, with the broadcast addresses of its networks. */
export class HostAddresses implements Disposable {
  readonly #netlink: NetlinkSocket;
  readonly #onChange: (addresses: ReadonlySet<IpAddress>) => void;
  readonly #monitor: NetworkMonitor;
  #timer: NodeJS.Timeout | undefined;

  constructor(netlink: NetlinkSocket, onChange: (addresses: ReadonlySet<IpAddress>) => void) {
    this.#netlink = netlink;
    this.#onChange = onChange;
    // The subscription comes first, so that no change during the reading is missed.
    this.#monitor = new NetworkMonitor(({ type }) => {
      if (type === 'address' || type === 'overrun')
        this.#timer ??= setTimeout(() => this.#read(), DEBOUNCE_MS);
    });
    this.#read();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#monitor.close();
  }

  #read(): void {
    this.#timer = undefined;
    const listed = listAddresses(this.#netlink);
    this.#onChange(new Set(listed.flatMap(({ address, broadcast }) => [address, broadcast ?? address])));
  }
}
