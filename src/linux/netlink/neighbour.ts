import { formatIpv4, type Ipv4Address } from '../../net/ipv4-address.ts';
import { AF } from '../descriptor.ts';
import {
  type Attribute,
  addressBytes,
  decodeAttributes,
  encodeAttributes,
  readAddress,
} from './attributes.ts';
import { NLM_F, NUD, RTM } from './constants.ts';
import type { NetlinkMessage } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** An entry of the ARP cache. */
export interface Neighbour {
  readonly ifIndex: number;
  readonly address: Ipv4Address;
  /** Undefined while it is being asked for or after nobody answered. */
  readonly mac: Uint8Array | undefined;
  /** NUD */
  readonly state: number;
}

const NDA = { destination: 1, linkAddress: 2 } as const;
const NTF_USE = 1;
const HEADER_BYTES = 12;
const USABLE = NUD.reachable | NUD.stale | NUD.delay | NUD.probe | NUD.permanent | NUD.noArp;

export function listNeighbours(socket: NetlinkSocket): Neighbour[] {
  const payload = header({ ifIndex: 0, state: 0, flags: 0 });
  return socket.dump({ operation: 'list neighbours', type: RTM.getNeighbour, payload }).flatMap((message) => {
    const neighbour = decodeNeighbour(message);
    return neighbour === undefined ? [] : [neighbour];
  });
}

/** Whether frames may be sent to its MAC address. */
export function isUsable(neighbour: Neighbour): boolean {
  return neighbour.mac !== undefined && (neighbour.state & USABLE) !== 0;
}

/** Has the kernel resolve the address, or confirm a stale entry, as if a packet had been sent to it. */
export function probeNeighbour(socket: NetlinkSocket, ifIndex: number, address: Ipv4Address): void {
  set(socket, { ifIndex, address, state: 0, flags: NTF_USE });
}

export function setPermanentNeighbour(
  socket: NetlinkSocket,
  neighbour: { readonly ifIndex: number; readonly address: Ipv4Address; readonly mac: Uint8Array },
): void {
  set(socket, { ...neighbour, state: NUD.permanent, flags: 0 });
}

export function deleteNeighbour(socket: NetlinkSocket, ifIndex: number, address: Ipv4Address): void {
  socket.request({
    operation: `delete neighbour ${formatIpv4(address)}`,
    type: RTM.deleteNeighbour,
    payload: encode({ ifIndex, address, state: 0, flags: 0 }),
  });
}

/** Undefined for an entry of another family. */
export function decodeNeighbour(message: NetlinkMessage): Neighbour | undefined {
  const { payload } = message;
  const attributes = decodeAttributes(payload, HEADER_BYTES);
  const address = readAddress(attributes.get(NDA.destination));
  if (payload[0] !== AF.inet || address === undefined) return undefined;
  const mac = attributes.get(NDA.linkAddress);
  return { ifIndex: payload.readInt32LE(4), address, mac, state: payload.readUInt16LE(8) };
}

interface NeighbourFields {
  readonly ifIndex: number;
  readonly address: Ipv4Address;
  readonly mac?: Uint8Array;
  readonly state: number;
  readonly flags: number;
}

function set(socket: NetlinkSocket, fields: NeighbourFields): void {
  socket.request({
    operation: `set neighbour ${formatIpv4(fields.address)}`,
    type: RTM.newNeighbour,
    flags: NLM_F.create | NLM_F.replace,
    payload: encode(fields),
  });
}

function encode(fields: NeighbourFields): Uint8Array {
  const attributes: Attribute[] = [[NDA.destination, addressBytes(fields.address)]];
  if (fields.mac !== undefined) attributes.push([NDA.linkAddress, fields.mac]);
  return Buffer.concat([header(fields), encodeAttributes(attributes)]);
}

/** struct ndmsg */
function header(fields: {
  readonly ifIndex: number;
  readonly state: number;
  readonly flags: number;
}): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt8(AF.inet, 0);
  bytes.writeInt32LE(fields.ifIndex, 4);
  bytes.writeUInt16LE(fields.state, 8);
  bytes.writeUInt8(fields.flags, 10);
  return bytes;
}
