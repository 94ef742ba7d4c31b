// Pairs of veth devices, by netlink.
import type { NetlinkSocket } from '../socket.ts';
import { createLink, encodeLink } from './link.ts';

export interface VethEnd {
  readonly name: string;
  readonly mtuBytes?: number;
  readonly mac?: Uint8Array;
  /** File descriptor of its network namespace; left out: the socket's own. */
  readonly namespaceFd?: number;
}

const VETH_INFO_PEER = 1;

/** Both ends are made at once, each in its namespace, and are down. */
export function createVeth(socket: NetlinkSocket, near: VethEnd, far: VethEnd): void {
  createLink(socket, { ...near, kind: 'veth', data: [[VETH_INFO_PEER, encodeLink(far)]] });
}
