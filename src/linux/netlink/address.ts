// Addresses of interfaces, by netlink.
import { formatIp, type IpAddress, type IpFamily, ipBytes, isIpv4 } from '../../net/address/ip-address.ts';
import type { Ipv4Address } from '../../net/address/ipv4-address.ts';
import { ipFamily, kernelFamily, kernelFamilyOf } from '../sockets/address-family.ts';
import {
  type Attribute,
  decodeAttributes,
  encodeAttributes,
  readAddress,
  readNumber,
  u32,
} from './attributes.ts';
import { IFA_F, NLM_F, RTM } from './constants.ts';
import type { NetlinkMessage } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** An address of an interface. */
export interface InterfaceAddress {
  readonly ifIndex: number;
  readonly address: IpAddress;
  readonly prefixLength: number;
}

export interface NewAddress extends InterfaceAddress {
  /** IPv6: usable at once, without asking whether another host has it. */
  readonly noDad?: boolean;
  /** IPv6: never chosen as the source of what names none, as the VIPs of a real server must not be. */
  readonly deprecated?: boolean;
}

export interface ListedAddress extends InterfaceAddress {
  /** IFA_F */
  readonly flags: number;
  /** The broadcast address: the last one of an IPv4 network that has more than two addresses. */
  readonly broadcast?: IpAddress;
}

const IFA = { address: 1, local: 2, cacheInfo: 6, flags: 8 } as const;
const HEADER_BYTES = 8;
/** RFC 3021: a prefix of 31 bits is two hosts. */
const LONGEST_WITH_BROADCAST = 30;
const FOREVER = 0xffffffff;

/** Lists the addresses of every interface and both families, or of those asked for. @throws CulvertError KERNEL ENODEV */
export function listAddresses(
  socket: NetlinkSocket,
  only: { readonly ifIndex?: number; readonly family?: IpFamily } = {},
): ListedAddress[] {
  const payload = header({
    family: kernelFamily(only.family),
    prefixLength: 0,
    flags: 0,
    ifIndex: only.ifIndex ?? 0,
  });
  const messages = socket.dump({ operation: 'list addresses', type: RTM.getAddress, payload });
  return messages.flatMap((message) => decodeAddress(message) ?? []);
}

/** @throws CulvertError KERNEL with EEXIST when the interface has it already. */
export function addAddress(socket: NetlinkSocket, address: NewAddress): void {
  socket.request({
    operation: `add address ${formatIp(address.address)}/${address.prefixLength}`,
    type: RTM.newAddress,
    flags: NLM_F.create | NLM_F.exclusive,
    payload: encode(address),
  });
}

/** @throws CulvertError KERNEL with EADDRNOTAVAIL when the interface does not have it. */
export function deleteAddress(socket: NetlinkSocket, address: InterfaceAddress): void {
  const operation = `delete address ${formatIp(address.address)}/${address.prefixLength}`;
  socket.request({ operation, type: RTM.deleteAddress, payload: encode(address) });
}

/** Decodes an address; undefined for a family other than IP. */
export function decodeAddress(message: NetlinkMessage): ListedAddress | undefined {
  const { payload } = message;
  const attributes = decodeAttributes(payload, HEADER_BYTES);
  const address = readAddress(attributes.get(IFA.local) ?? attributes.get(IFA.address));
  if (ipFamily(payload[0]) === undefined || address === undefined) return undefined;
  const prefixLength = payload.readUInt8(1);
  // The network of a point-to-point interface is the peer's.
  const broadcast = broadcastOf(readAddress(attributes.get(IFA.address)) ?? address, prefixLength);
  return {
    ifIndex: payload.readUInt32LE(4),
    address,
    prefixLength,
    flags: readNumber(attributes.get(IFA.flags)) ?? payload.readUInt8(2),
    ...(broadcast !== undefined && { broadcast }),
  };
}

function broadcastOf(address: IpAddress, prefixLength: number): IpAddress | undefined {
  if (!isIpv4(address) || prefixLength > LONGEST_WITH_BROADCAST) return undefined;
  return ((address | (0xffff_ffff >>> prefixLength)) >>> 0) as Ipv4Address;
}

function encode(address: NewAddress): Uint8Array {
  const bytes = ipBytes(address.address);
  const attributes: Attribute[] = [
    [IFA.local, bytes],
    [IFA.address, bytes],
  ];
  if (address.deprecated === true) attributes.push([IFA.cacheInfo, lifetimes({ preferred: 0 })]);
  return Buffer.concat([
    header({
      family: kernelFamilyOf(address.address),
      prefixLength: address.prefixLength,
      flags: address.noDad === true ? IFA_F.noDad : 0,
      ifIndex: address.ifIndex,
    }),
    encodeAttributes(attributes),
  ]);
}

/** struct ifa_cacheinfo, in seconds; the address itself stays. */
function lifetimes({ preferred }: { readonly preferred: number }): Uint8Array {
  return Buffer.concat([u32(preferred), u32(FOREVER), u32(0), u32(0)]);
}

/** struct ifaddrmsg */
function header(fields: {
  readonly family: number;
  readonly prefixLength: number;
  readonly flags: number;
  readonly ifIndex: number;
}): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt8(fields.family, 0);
  bytes.writeUInt8(fields.prefixLength, 1);
  bytes.writeUInt8(fields.flags, 2);
  bytes.writeUInt32LE(fields.ifIndex, 4);
  return bytes;
}
