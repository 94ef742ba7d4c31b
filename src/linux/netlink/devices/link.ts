// Network devices, by netlink.
import { ETHERTYPE } from '../../../net/headers/ethernet.ts';
import {
  type Attribute,
  decodeAttributes,
  encodeAttributes,
  readNumber,
  readText,
  text,
  u32,
} from '../attributes.ts';
import { IFF, NLM_F, RTM } from '../constants.ts';
import type { NetlinkMessage } from '../message.ts';
import type { NetlinkSocket } from '../socket.ts';

/** The settings of an 802.1Q VLAN device: its frames pass the parent with that tag. */
export interface VlanTag {
  readonly parentIndex: number;
  readonly id: number;
}

/** A network interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** `veth`, `tun`, ...; undefined for hardware. */
  readonly kind: string | undefined;
  /** Empty for links without one. */
  readonly mac: Uint8Array;
  readonly mtuBytes: number;
  readonly queueLength: number;
  readonly up: boolean;
  /** Up, and the other side too. */
  readonly running: boolean;
  /**
   * The VLAN tag. Undefined as well for a service VLAN (802.1ad) and for a VLAN whose parent is in another namespace; `kind` is
   * `vlan` then.
   */
  readonly vlan: VlanTag | undefined;
  /** Id of the XDP program on it. */
  readonly xdpProgramId: number | undefined;
}

export interface LinkChange {
  readonly up?: boolean;
  readonly arp?: boolean;
  readonly mtuBytes?: number;
  /** Packets that the device keeps while it cannot send, or nobody reads. */
  readonly queueLength?: number;
  readonly name?: string;
  readonly mac?: Uint8Array;
  /** File descriptor of the network namespace to move it to. */
  readonly namespaceFd?: number;
}

/** The attributes of one kind of device: IFLA_INFO_KIND and IFLA_INFO_DATA. */
export interface LinkInfo {
  readonly kind: string;
  readonly data?: readonly Attribute[];
}

export interface NewLink extends LinkChange, LinkInfo {
  readonly name: string;
  /** The device that it is a part of. */
  readonly parentIndex?: number;
}

const IFLA = {
  address: 1,
  name: 3,
  mtu: 4,
  link: 5,
  queueLength: 13,
  linkInfo: 18,
  namespaceFd: 28,
  linkNamespaceId: 37,
  xdp: 43,
} as const;
const IFLA_INFO = { kind: 1, data: 2 } as const;
const IFLA_XDP_PROG_ID = 4;
const VLAN_INFO = { id: 1, protocol: 5 } as const;
const HEADER_BYTES = 16;

export function listLinks(socket: NetlinkSocket): Link[] {
  const operation = 'list links';
  return socket.dump({ operation, type: RTM.getLink, payload: header() }).map(decodeLink);
}

/** Returns the link of this name; undefined when there is none. */
export function findLink(socket: NetlinkSocket, name: string): Link | undefined {
  return listLinks(socket).find((link) => link.name === name);
}

export function changeLink(socket: NetlinkSocket, index: number, change: LinkChange): void {
  socket.request({
    operation: `change link ${index}`,
    type: RTM.newLink,
    payload: Buffer.concat([
      header({ index, ...flagChange(change) }),
      encodeAttributes(linkAttributes(change)),
    ]),
  });
}

/**
 * Makes a device of a kind, down unless it says otherwise.
 * @throws CulvertError KERNEL: EOPNOTSUPP when the kernel has none of that kind, EEXIST when the name is taken.
 */
export function createLink(socket: NetlinkSocket, link: NewLink): void {
  socket.request({
    operation: `create ${link.kind} device ${link.name}`,
    type: RTM.newLink,
    flags: NLM_F.create | NLM_F.exclusive,
    payload: Buffer.concat([
      header(flagChange(link)),
      encodeAttributes([...linkAttributes(link), linkInfo(link)]),
    ]),
  });
}

/** Changes what is particular to its kind. @throws CulvertError KERNEL, EINVAL for what only a new device can have. */
export function changeLinkKind(socket: NetlinkSocket, index: number, info: LinkInfo): void {
  socket.request({
    operation: `change ${info.kind} device ${index}`,
    type: RTM.newLink,
    payload: Buffer.concat([header({ index }), encodeAttributes([linkInfo(info)])]),
  });
}

export function deleteLink(socket: NetlinkSocket, index: number): void {
  socket.request({ operation: `delete link ${index}`, type: RTM.deleteLink, payload: header({ index }) });
}

export function decodeLink(message: NetlinkMessage): Link {
  const { payload } = message;
  const attributes = decodeAttributes(payload, HEADER_BYTES);
  const flags = payload.readUInt32LE(8);
  const info = decodeAttributes(attributes.get(IFLA.linkInfo) ?? Buffer.alloc(0));
  const xdp = decodeAttributes(attributes.get(IFLA.xdp) ?? Buffer.alloc(0));
  return {
    index: payload.readInt32LE(4),
    name: readText(attributes.get(IFLA.name)) ?? '',
    kind: readText(info.get(IFLA_INFO.kind)),
    mac: attributes.get(IFLA.address) ?? new Uint8Array(0),
    mtuBytes: readNumber(attributes.get(IFLA.mtu)) ?? 0,
    queueLength: readNumber(attributes.get(IFLA.queueLength)) ?? 0,
    up: (flags & IFF.up) !== 0,
    running: (flags & IFF.lowerUp) !== 0,
    vlan: decodeVlan(attributes, info),
    xdpProgramId: readNumber(xdp.get(IFLA_XDP_PROG_ID)),
  };
}

function decodeVlan(
  attributes: ReadonlyMap<number, Buffer>,
  info: ReadonlyMap<number, Buffer>,
): VlanTag | undefined {
  if (readText(info.get(IFLA_INFO.kind)) !== 'vlan' || attributes.has(IFLA.linkNamespaceId)) return undefined;
  const parentIndex = readNumber(attributes.get(IFLA.link));
  const data = decodeAttributes(info.get(IFLA_INFO.data) ?? Buffer.alloc(0));
  const id = data.get(VLAN_INFO.id)?.readUInt16LE();
  const etherType = data.get(VLAN_INFO.protocol)?.readUInt16BE();
  if (parentIndex === undefined || id === undefined || etherType !== ETHERTYPE.vlan) return undefined;
  return { parentIndex, id };
}

/** A whole `struct ifinfomsg` with attributes, as a veth's peer is described. */
export function encodeLink(change: LinkChange): Uint8Array {
  return Buffer.concat([header(), encodeAttributes(linkAttributes(change))]);
}

function flagChange(change: LinkChange): { readonly flags: number; readonly changeMask: number } {
  const flags = (change.up === true ? IFF.up : 0) | (change.arp === false ? IFF.noArp : 0);
  const changeMask = (change.up === undefined ? 0 : IFF.up) | (change.arp === undefined ? 0 : IFF.noArp);
  return { flags, changeMask };
}

function linkAttributes(change: LinkChange & { readonly parentIndex?: number }): Attribute[] {
  const attributes: Attribute[] = [];
  if (change.name !== undefined) attributes.push([IFLA.name, text(change.name)]);
  if (change.mtuBytes !== undefined) attributes.push([IFLA.mtu, u32(change.mtuBytes)]);
  if (change.queueLength !== undefined) attributes.push([IFLA.queueLength, u32(change.queueLength)]);
  if (change.mac !== undefined) attributes.push([IFLA.address, change.mac]);
  if (change.namespaceFd !== undefined) attributes.push([IFLA.namespaceFd, u32(change.namespaceFd)]);
  if (change.parentIndex !== undefined) attributes.push([IFLA.link, u32(change.parentIndex)]);
  return attributes;
}

function linkInfo({ kind, data = [] }: LinkInfo): Attribute {
  return [
    IFLA.linkInfo,
    [
      [IFLA_INFO.kind, text(kind)],
      [IFLA_INFO.data, data],
    ],
  ];
}

/** struct ifinfomsg */
function header(fields: { index?: number; flags?: number; changeMask?: number } = {}): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeInt32LE(fields.index ?? 0, 4);
  bytes.writeUInt32LE(fields.flags ?? 0, 8);
  bytes.writeUInt32LE(fields.changeMask ?? 0, 12);
  return bytes;
}
