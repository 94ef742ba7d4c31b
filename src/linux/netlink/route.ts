// Routes, by netlink.
import {
  familyOf,
  formatIp,
  type IpAddress,
  type IpFamily,
  ipBytes,
  ipFromBytes,
} from '../../net/address/ip-address.ts';
import { errnoOf } from '../errno.ts';
import { ANY_ADDRESS, ipFamily, kernelFamily, kernelFamilyOf } from '../sockets/address-family.ts';
import {
  type Attribute,
  decodeAttributes,
  encodeAttributes,
  readAddress,
  readNumber,
  u32,
} from './attributes.ts';
import { NLM_F, RT_TABLE, RTM, RTN } from './constants.ts';
import type { NetlinkMessage } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** A route, or what a look-up found. */
export interface Route {
  readonly type: number;
  readonly table: number;
  readonly destination: IpAddress;
  readonly prefixLength: number;
  readonly ifIndex: number | undefined;
  /** The gateway; it may be of IPv6 for a route to IPv4 addresses (RFC 5549). */
  readonly gateway: IpAddress | undefined;
  readonly source: IpAddress | undefined;
  /** The MTU of the route; undefined if it is the interface's. */
  readonly mtuBytes: number | undefined;
  /** Several ways out; `ifIndex` and `gateway` are those of the first. */
  readonly multipath: boolean;
}

export interface NewRoute {
  readonly destination: IpAddress;
  readonly prefixLength: number;
  readonly ifIndex?: number;
  readonly gateway?: IpAddress;
  readonly source?: IpAddress;
  readonly table?: number;
  readonly mtuBytes?: number;
  /** RTN; unicast unless given. */
  readonly type?: number;
  /** The protocol number that says who made the route; defaults to static. */
  readonly protocol?: number;
}

const RTA = {
  destination: 1,
  outInterface: 4,
  gateway: 5,
  prefSource: 7,
  metrics: 8,
  multipath: 9,
  table: 15,
  mark: 16,
  via: 18,
} as const;
const RTAX_MTU = 2;
const RTM_F_LOOKUP_TABLE = 0x1000;
const HEADER_BYTES = 12;
const VIA_FAMILY_BYTES = 2;
const NEXT_HOP_BYTES = 8;
const SCOPE = { universe: 0, link: 253, host: 254 } as const;
const PROTOCOL_STATIC = 4;

/**
 * The route that the kernel would take to an address, as `ip route get` tells; undefined when there is none.
 */
export function lookUpRoute(socket: NetlinkSocket, destination: IpAddress, mark?: number): Route | undefined {
  const attributes: Attribute[] = [[RTA.destination, ipBytes(destination)]];
  if (mark !== undefined) attributes.push([RTA.mark, u32(mark)]);
  try {
    const [answer] = socket.request({
      operation: `look up the route to ${formatIp(destination)}`,
      type: RTM.getRoute,
      payload: Buffer.concat([lookUpHeader(destination), encodeAttributes(attributes)]),
    });
    return answer === undefined ? undefined : decodeRoute(answer);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENETUNREACH' || errno === 'EHOSTUNREACH' || errno === 'EACCES' || errno === 'EINVAL') {
      return undefined;
    }
    throw error;
  }
}

/** Lists the routes of all tables and both families, or of those asked for. */
export function listRoutes(
  socket: NetlinkSocket,
  only: { readonly table?: number; readonly family?: IpFamily } = {},
): Route[] {
  const payload = header({ family: kernelFamily(only.family), prefixLength: 0 });
  const messages = socket.dump({ operation: 'list routes', type: RTM.getRoute, payload });
  const routes = messages.flatMap((message) => decodeRoute(message) ?? []);
  return only.table === undefined ? routes : routes.filter((route) => route.table === only.table);
}

/** @throws CulvertError KERNEL EEXIST when there is one like it. */
export function addRoute(socket: NetlinkSocket, route: NewRoute): void {
  socket.request({
    operation: `add route to ${formatIp(route.destination)}/${route.prefixLength}`,
    type: RTM.newRoute,
    flags: NLM_F.create | NLM_F.exclusive,
    payload: encodeRoute(route),
  });
}

/** Adds the route, or replaces the one to the same destination in the same table. */
export function replaceRoute(socket: NetlinkSocket, route: NewRoute): void {
  socket.request({
    operation: `set route to ${formatIp(route.destination)}/${route.prefixLength}`,
    type: RTM.newRoute,
    flags: NLM_F.create | NLM_F.replace,
    payload: encodeRoute(route),
  });
}

export function deleteRoute(socket: NetlinkSocket, route: NewRoute): void {
  socket.request({
    operation: `delete route to ${formatIp(route.destination)}/${route.prefixLength}`,
    type: RTM.deleteRoute,
    payload: encodeRoute(route),
  });
}

/** Decodes a route; undefined for a family other than IP. */
export function decodeRoute(message: NetlinkMessage): Route | undefined {
  const { payload } = message;
  const family = ipFamily(payload[0]);
  if (family === undefined) return undefined;
  const attributes = decodeAttributes(payload, HEADER_BYTES);
  const multipath = attributes.get(RTA.multipath);
  const hop = multipath === undefined ? attributes : decodeAttributes(multipath, NEXT_HOP_BYTES);
  const metrics = decodeAttributes(attributes.get(RTA.metrics) ?? Buffer.alloc(0));
  return {
    type: payload.readUInt8(7),
    table: readNumber(attributes.get(RTA.table)) ?? payload.readUInt8(4),
    destination: readAddress(attributes.get(RTA.destination)) ?? ANY_ADDRESS[family],
    prefixLength: payload.readUInt8(1),
    ifIndex: readNumber(attributes.get(RTA.outInterface)) ?? multipath?.readInt32LE(4),
    gateway: readAddress(hop.get(RTA.gateway)) ?? readVia(hop.get(RTA.via)),
    source: readAddress(attributes.get(RTA.prefSource)),
    mtuBytes: readNumber(metrics.get(RTAX_MTU)),
    multipath: multipath !== undefined,
  };
}

function encodeRoute(route: NewRoute): Uint8Array {
  const attributes: Attribute[] = [[RTA.table, u32(route.table ?? RT_TABLE.main)]];
  if (route.prefixLength > 0) attributes.push([RTA.destination, ipBytes(route.destination)]);
  if (route.ifIndex !== undefined) attributes.push([RTA.outInterface, u32(route.ifIndex)]);
  if (route.gateway !== undefined) attributes.push(encodeGateway(route.destination, route.gateway));
  if (route.source !== undefined) attributes.push([RTA.prefSource, ipBytes(route.source)]);
  if (route.mtuBytes !== undefined) attributes.push([RTA.metrics, [[RTAX_MTU, u32(route.mtuBytes)]]]);
  const type = route.type ?? RTN.unicast;
  const scope = scopeOf(type, route.gateway !== undefined);
  const family = kernelFamilyOf(route.destination);
  return Buffer.concat([
    header({ family, prefixLength: route.prefixLength, type, scope, protocol: route.protocol }),
    encodeAttributes(attributes),
  ]);
}

function encodeGateway(destination: IpAddress, gateway: IpAddress): Attribute {
  if (familyOf(destination) === familyOf(gateway)) return [RTA.gateway, ipBytes(gateway)];
  const via = Buffer.alloc(VIA_FAMILY_BYTES);
  via.writeUInt16LE(kernelFamilyOf(gateway));
  return [RTA.via, Buffer.concat([via, ipBytes(gateway)])];
}

/** struct rtvia */
function readVia(value: Buffer | undefined): IpAddress | undefined {
  return value === undefined ? undefined : ipFromBytes(value.subarray(VIA_FAMILY_BYTES));
}

function scopeOf(type: number, viaGateway: boolean): number {
  if (type === RTN.local) return SCOPE.host;
  return type === RTN.unicast && !viaGateway ? SCOPE.link : SCOPE.universe;
}

/** IPv6 always reports the table, and rejects a request for it. */
function lookUpHeader(destination: IpAddress): Buffer {
  const family = kernelFamilyOf(destination);
  return familyOf(destination) === 4
    ? header({ family, prefixLength: 32, flags: RTM_F_LOOKUP_TABLE })
    : header({ family, prefixLength: 128 });
}

/** struct rtmsg; a look-up and a dump leave type, protocol and scope 0, as strict checking demands. */
function header(fields: {
  readonly family: number;
  readonly prefixLength: number;
  readonly type?: number;
  readonly scope?: number;
  readonly protocol?: number | undefined;
  readonly flags?: number;
}): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt8(fields.family, 0);
  bytes.writeUInt8(fields.prefixLength, 1);
  bytes.writeUInt32LE(fields.flags ?? 0, 8);
  if (fields.type !== undefined) {
    bytes.writeUInt8(fields.protocol ?? PROTOCOL_STATIC, 5);
    bytes.writeUInt8(fields.scope ?? SCOPE.universe, 6);
    bytes.writeUInt8(fields.type, 7);
  }
  return bytes;
}
