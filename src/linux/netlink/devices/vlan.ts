// VLAN devices, by netlink.
import { u16 } from '../attributes.ts';
import type { NetlinkSocket } from '../socket.ts';
import { createLink, type NewLink, type VlanTag } from './link.ts';

export interface NewVlan extends Omit<NewLink, 'kind' | 'data' | 'parentIndex'>, VlanTag {}

const IFLA_VLAN_ID = 1;

/** Makes an 802.1Q device on a parent; its id is 1 to 4094. @throws CulvertError KERNEL, as `createLink`. */
export function createVlan(socket: NetlinkSocket, vlan: NewVlan): void {
  createLink(socket, { ...vlan, kind: 'vlan', data: [[IFLA_VLAN_ID, u16(vlan.id)]] });
}
