import {
  type Attribute,
  decodeAttributes,
  encodeAttributes,
  readNumber,
  readText,
  text,
  u32,
} from './attributes.ts';
import { IFF, NLM_F, RTM } from './constants.ts';
import type { NetlinkMessage } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** A network interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** `veth`, `tun`, ...; undefined for hardware. */
  readonly kind: string | undefined;
  /** Empty for links without one. */
  readonly mac: Uint8Array;
  readonly mtuBytes: number;
  readonly up: boolean;
  /** Up, and the other side too. */
  readonly running: boolean;
  /** Id of the XDP program on it. */
  readonly xdpProgramId: number | undefined;
}

export interface LinkChange {
  readonly up?: boolean;
  readonly arp?: boolean;
  readonly mtuBytes?: number;
  readonly name?: string;
  readonly mac?: Uint8Array;
  /** File descriptor of the network namespace to move it to. */
  readonly namespaceFd?: number;
}

export interface VethEnd {
  readonly name: string;
  readonly mtuBytes?: number;
  readonly mac?: Uint8Array;
  /** File descriptor of its network namespace; left out: the socket's own. */
  readonly namespaceFd?: number;
}

const IFLA = { address: 1, name: 3, mtu: 4, linkInfo: 18, namespaceFd: 28, xdp: 43 } as const;
const IFLA_INFO = { kind: 1, data: 2 } as const;
const IFLA_XDP_PROG_ID = 4;
const VETH_INFO_PEER = 1;
const HEADER_BYTES = 16;

export function listLinks(socket: NetlinkSocket): Link[] {
  const operation = 'list links';
  return socket.dump({ operation, type: RTM.getLink, payload: header() }).map(decodeLink);
}

/** Undefined when there is none of that name. */
export function findLink(socket: NetlinkSocket, name: string): Link | undefined {
  return listLinks(socket).find((link) => link.name === name);
}

export function changeLink(socket: NetlinkSocket, index: number, change: LinkChange): void {
  const set = (change.up === true ? IFF.up : 0) | (change.arp === false ? IFF.noArp : 0);
  const mask = (change.up === undefined ? 0 : IFF.up) | (change.arp === undefined ? 0 : IFF.noArp);
  socket.request({
    operation: `change link ${index}`,
    type: RTM.newLink,
    payload: Buffer.concat([
      header({ index, flags: set, changeMask: mask }),
      encodeAttributes(linkAttributes(change)),
    ]),
  });
}

/** Both ends are made at once, each in its namespace, and are down. */
export function createVeth(socket: NetlinkSocket, near: VethEnd, far: VethEnd): void {
  const peer = Buffer.concat([header(), encodeAttributes(linkAttributes(far))]);
  const attributes: Attribute[] = [
    ...linkAttributes(near),
    [
      IFLA.linkInfo,
      [
        [IFLA_INFO.kind, text('veth')],
        [IFLA_INFO.data, [[VETH_INFO_PEER, peer]]],
      ],
    ],
  ];
  socket.request({
    operation: `create veth ${near.name} - ${far.name}`,
    type: RTM.newLink,
    flags: NLM_F.create | NLM_F.exclusive,
    payload: Buffer.concat([header(), encodeAttributes(attributes)]),
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
    up: (flags & IFF.up) !== 0,
    running: (flags & IFF.lowerUp) !== 0,
    xdpProgramId: readNumber(xdp.get(IFLA_XDP_PROG_ID)),
  };
}

function linkAttributes(change: LinkChange | VethEnd): Attribute[] {
  const attributes: Attribute[] = [];
  if (change.name !== undefined) attributes.push([IFLA.name, text(change.name)]);
  if (change.mtuBytes !== undefined) attributes.push([IFLA.mtu, u32(change.mtuBytes)]);
  if (change.mac !== undefined) attributes.push([IFLA.address, change.mac]);
  if (change.namespaceFd !== undefined) attributes.push([IFLA.namespaceFd, u32(change.namespaceFd)]);
  return attributes;
}

/** struct ifinfomsg */
function header(fields: { index?: number; flags?: number; changeMask?: number } = {}): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeInt32LE(fields.index ?? 0, 4);
  bytes.writeUInt32LE(fields.flags ?? 0, 8);
  bytes.writeUInt32LE(fields.changeMask ?? 0, 12);
  return bytes;
}
