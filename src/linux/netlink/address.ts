import type { Ipv4Address } from '../../net/ipv4-address.ts';
import { AF } from '../descriptor.ts';
import { addressBytes, decodeAttributes, encodeAttributes, readAddress } from './attributes.ts';
import { NLM_F, RTM } from './constants.ts';
import type { NetlinkMessage } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** An IPv4 address of an interface. */
export interface InterfaceAddress {
  readonly ifIndex: number;
  readonly address: Ipv4Address;
  readonly prefixLength: number;
}

const IFA = { address: 1, local: 2 } as const;
const HEADER_BYTES = 8;

export function listAddresses(socket: NetlinkSocket, ifIndex = 0): InterfaceAddress[] {
  const operation = 'list addresses';
  const payload = header({ ifIndex, prefixLength: 0 });
  return socket.dump({ operation, type: RTM.getAddress, payload }).flatMap((message) => {
    const address = decodeAddress(message);
    return address === undefined ? [] : [address];
  });
}

/** @throws CulvertError KERNEL with EEXIST when the interface has it already. */
export function addAddress(socket: NetlinkSocket, address: InterfaceAddress): void {
  const flags = NLM_F.create | NLM_F.exclusive;
  socket.request({ operation: 'add address', type: RTM.newAddress, flags, payload: encode(address) });
}

export function deleteAddress(socket: NetlinkSocket, address: InterfaceAddress): void {
  socket.request({ operation: 'delete address', type: RTM.deleteAddress, payload: encode(address) });
}

/** Undefined for an address of another family. */
export function decodeAddress(message: NetlinkMessage): InterfaceAddress | undefined {
  const { payload } = message;
  const attributes = decodeAttributes(payload, HEADER_BYTES);
  const address = readAddress(attributes.get(IFA.local) ?? attributes.get(IFA.address));
  if (payload[0] !== AF.inet || address === undefined) return undefined;
  return { ifIndex: payload.readUInt32LE(4), address, prefixLength: payload.readUInt8(1) };
}

function encode(address: InterfaceAddress): Uint8Array {
  const bytes = addressBytes(address.address);
  return Buffer.concat([
    header(address),
    encodeAttributes([
      [IFA.local, bytes],
      [IFA.address, bytes],
    ]),
  ]);
}

/** struct ifaddrmsg */
function header(fields: { readonly ifIndex: number; readonly prefixLength: number }): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt8(AF.inet, 0);
  bytes.writeUInt8(fields.prefixLength, 1);
  bytes.writeUInt32LE(fields.ifIndex, 4);
  return bytes;
}
