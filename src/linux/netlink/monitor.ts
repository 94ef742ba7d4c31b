// Notifications of netlink about links, addresses, routes, neighbours and rules.
import { errnoOf } from '../errno.ts';
import type { Descriptor } from '../process/descriptor.ts';
import { decodeAddress, type ListedAddress } from './address.ts';
import { RTM, RTNLGRP } from './constants.ts';
import { decodeLink, type Link } from './devices/link.ts';
import { decodeMessages, type NetlinkMessage } from './message.ts';
import { decodeNeighbour, type Neighbour } from './neighbour.ts';
import { decodeRoute, type Route } from './route.ts';
import { openNetlink } from './socket.ts';

/** A change that the kernel reported; `rule`: any change of policy rules; `overrun`: some were lost, so everything must be read again. */
export type NetworkChange =
  | { readonly type: 'link'; readonly removed: boolean; readonly link: Link }
  | { readonly type: 'address'; readonly removed: boolean; readonly address: ListedAddress }
  | { readonly type: 'route'; readonly removed: boolean; readonly route: Route }
  | { readonly type: 'neighbour'; readonly removed: boolean; readonly neighbour: Neighbour }
  | { readonly type: 'rule' }
  | { readonly type: 'overrun' };

const RECEIVE_BYTES = 1 << 20;
const DATAGRAM_BYTES = 64 * 1024;

/** Tells of every change of links, addresses, routes, policy rules and neighbours in the process's network namespace. */
export class NetworkMonitor implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #listener: (change: NetworkChange) => void;
  readonly #buffer: Buffer = Buffer.alloc(DATAGRAM_BYTES);

  constructor(listener: (change: NetworkChange) => void) {
    this.#listener = listener;
    this.#descriptor = openNetlink({ groups: Object.values(RTNLGRP), receiveBytes: RECEIVE_BYTES });
    this.#descriptor.onReadable(() => this.#drain());
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #drain(): void {
    for (;;) {
      const length = this.#receive();
      if (length === undefined) return;
      for (const message of decodeMessages(Buffer.from(this.#buffer.subarray(0, length)))) {
        const change = decodeChange(message);
        if (change !== undefined) this.#listener(change);
      }
    }
  }

  #receive(): number | undefined {
    try {
      return this.#descriptor.receive(this.#buffer);
    } catch (error) {
      if (errnoOf(error) !== 'ENOBUFS') throw error;
      this.#listener({ type: 'overrun' });
      return 0;
    }
  }
}

function decodeChange(message: NetlinkMessage): NetworkChange | undefined {
  switch (message.type) {
    case RTM.newLink:
    case RTM.deleteLink:
      return { type: 'link', removed: message.type === RTM.deleteLink, link: decodeLink(message) };
    case RTM.newAddress:
    case RTM.deleteAddress: {
      const address = decodeAddress(message);
      return address && { type: 'address', removed: message.type === RTM.deleteAddress, address };
    }
    case RTM.newRoute:
    case RTM.deleteRoute: {
      const route = decodeRoute(message);
      return route && { type: 'route', removed: message.type === RTM.deleteRoute, route };
    }
    case RTM.newNeighbour:
    case RTM.deleteNeighbour: {
      const neighbour = decodeNeighbour(message);
      return neighbour && { type: 'neighbour', removed: message.type === RTM.deleteNeighbour, neighbour };
    }
    case RTM.newRule:
    case RTM.deleteRule:
      return { type: 'rule' };
    default:
      return undefined;
  }
}
