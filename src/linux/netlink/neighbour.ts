// The neighbour tables, by netlink.
import { familyOf, formatIp, type IpAddress, type IpFamily, ipBytes } from '../../net/address/ip-address.ts';
import { ipFamily, kernelFamily, kernelFamilyOf } from '../sockets/address-family.ts';
import { type Attribute, decodeAttributes, encodeAttributes, readAddress } from './attributes.ts';
import { NLM_F, NUD, RTM } from './constants.ts';
import type { NetlinkMessage } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** An entry of the ARP cache, or of IPv6's neighbour cache. */
export interface Neighbour {
  readonly ifIndex: number;
  readonly address: IpAddress;
  /** The MAC address; undefined while it is being asked for or after nobody answered. */
  readonly mac: Uint8Array | undefined;
  /** NUD */
  readonly state: number;
}

const NDA = { destination: 1, linkAddress: 2 } as const;
const NTF_USE = 1;
const HEADER_BYTES = 12;
const USABLE = NUD.reachable | NUD.stale | NUD.delay | NUD.probe | NUD.permanent | NUD.noArp;

/** Lists the neighbours of both families, or of the one asked for. */
export function listNeighbours(socket: NetlinkSocket, family?: IpFamily): Neighbour[] {
  const payload = header({ family: kernelFamily(family), ifIndex: 0, state: 0, flags: 0 });
  const messages = socket.dump({ operation: 'list neighbours', type: RTM.getNeighbour, payload });
  return messages.flatMap((message) => decodeNeighbour(message) ?? []);
}

/** Returns true if frames may be sent to the neighbour's MAC address. */
export function isUsable(neighbour: Neighbour): boolean {
  return neighbour.mac !== undefined && (neighbour.state & USABLE) !== 0;
}

/** Has the kernel resolve the address, or confirm a stale entry, as if a packet had been sent to it. */
export function probeNeighbour(socket: NetlinkSocket, ifIndex: number, address: IpAddress): void {
  set(socket, { ifIndex, address, state: 0, flags: NTF_USE });
}

export function setPermanentNeighbour(
  socket: NetlinkSocket,
  neighbour: { readonly ifIndex: number; readonly address: IpAddress; readonly mac: Uint8Array },
): void {
  set(socket, { ...neighbour, state: NUD.permanent, flags: 0 });
}

export function deleteNeighbour(socket: NetlinkSocket, ifIndex: number, address: IpAddress): void {
  socket.request({
    operation: `delete neighbour ${formatIp(address)}`,
    type: RTM.deleteNeighbour,
    payload: encode({ ifIndex, address, state: 0, flags: 0 }),
  });
}

/** Decodes a message; undefined for what is not IP: a bridge's table uses the same messages, even with IP addresses. */
export function decodeNeighbour(message: NetlinkMessage): Neighbour | undefined {
  const { payload } = message;
  const attributes = decodeAttributes(payload, HEADER_BYTES);
  const address = readAddress(attributes.get(NDA.destination));
  if (address === undefined || ipFamily(payload[0]) !== familyOf(address)) return undefined;
  const mac = attributes.get(NDA.linkAddress);
  return { ifIndex: payload.readInt32LE(4), address, mac, state: payload.readUInt16LE(8) };
}

interface NeighbourFields {
  readonly ifIndex: number;
  readonly address: IpAddress;
  readonly mac?: Uint8Array;
  readonly state: number;
  readonly flags: number;
}

function set(socket: NetlinkSocket, fields: NeighbourFields): void {
  socket.request({
    operation: `set neighbour ${formatIp(fields.address)}`,
    type: RTM.newNeighbour,
    flags: NLM_F.create | NLM_F.replace,
    payload: encode(fields),
  });
}

function encode(fields: NeighbourFields): Uint8Array {
  const attributes: Attribute[] = [[NDA.destination, ipBytes(fields.address)]];
  if (fields.mac !== undefined) attributes.push([NDA.linkAddress, fields.mac]);
  return Buffer.concat([
    header({ family: kernelFamilyOf(fields.address), ...fields }),
    encodeAttributes(attributes),
  ]);
}

/** struct ndmsg */
function header(fields: {
  readonly family: number;
  readonly ifIndex: number;
  readonly state: number;
  readonly flags: number;
}): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt8(fields.family, 0);
  bytes.writeInt32LE(fields.ifIndex, 4);
  bytes.writeUInt16LE(fields.state, 8);
  bytes.writeUInt8(fields.flags, 10);
  return bytes;
}
