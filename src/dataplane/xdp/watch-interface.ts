import type { Link } from '../../linux/netlink/link.ts';
import { NetworkMonitor } from '../../linux/netlink/monitor.ts';

export interface InterfaceListener {
  /** Its MTU or its MAC address is another one. */
  changed(link: Link): void;
  gone(): void;
}

/** Watches the interface that clients are behind. */
export function watchInterface(watched: Link, listener: InterfaceListener): Disposable {
  let known = watched;
  return new NetworkMonitor((change) => {
    if (change.type !== 'link' || change.link.index !== watched.index) return;
    if (change.removed) {
      listener.gone();
      return;
    }
    const same = change.link.mtuBytes === known.mtuBytes && Buffer.compare(change.link.mac, known.mac) === 0;
    known = change.link;
    if (!same) listener.changed(known);
  });
}
