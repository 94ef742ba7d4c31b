import { formatIpv4, type Ipv4Address } from '../../net/ipv4-address.ts';
import { AF } from '../descriptor.ts';
import { errnoOf } from '../errno.ts';
import {
  type Attribute,
  addressBytes,
  decodeAttributes,
  encodeAttributes,
  readAddress,
  readNumber,
  u32,
} from './attributes.ts';
import { NLM_F, RT_TABLE, RTM, RTN } from './constants.ts';
import type { NetlinkMessage } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** An IPv4 route, or what a look-up found. */
export interface Route {
  readonly type: number;
  readonly table: number;
  readonly destination: Ipv4Address;
  readonly prefixLength: number;
  readonly ifIndex: number | undefined;
  readonly gateway: Ipv4Address | undefined;
  readonly source: Ipv4Address | undefined;
  /** Undefined: the interface's. */
  readonly mtuBytes: number | undefined;
  /** Several ways out; `ifIndex` and `gateway` are those of the first. */
  readonly multipath: boolean;
}

export interface NewRoute {
  readonly destination: Ipv4Address;
  readonly prefixLength: number;
  readonly ifIndex?: number;
  readonly gateway?: Ipv4Address;
  readonly source?: Ipv4Address;
  readonly table?: number;
  readonly mtuBytes?: number;
  /** RTN; unicast unless given. */
  readonly type?: number;
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
} as const;
const RTAX_MTU = 2;
const RTM_F_LOOKUP_TABLE = 0x1000;
const HEADER_BYTES = 12;
const NEXT_HOP_BYTES = 8;
const SCOPE = { universe: 0, link: 253, host: 254 } as const;
const PROTOCOL_STATIC = 4;

/**
 * The route that the kernel would take to an address, as `ip route get` tells; undefined when there is none.
 */
export function lookUpRoute(
  socket: NetlinkSocket,
  destination: Ipv4Address,
  mark?: number,
): Route | undefined {
  const attributes: Attribute[] = [[RTA.destination, addressBytes(destination)]];
  if (mark !== undefined) attributes.push([RTA.mark, u32(mark)]);
  try {
    const [answer] = socket.request({
      operation: `look up the route to ${formatIpv4(destination)}`,
      type: RTM.getRoute,
      payload: Buffer.concat([
        header({ prefixLength: 32, flags: RTM_F_LOOKUP_TABLE }),
        encodeAttributes(attributes),
      ]),
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

/** Every route of a table; of all tables unless one is named. */
export function listRoutes(socket: NetlinkSocket, table?: number): Route[] {
  const routes = socket
    .dump({ operation: 'list routes', type: RTM.getRoute, payload: header({ prefixLength: 0 }) })
    .map(decodeRoute);
  return table === undefined ? routes : routes.filter((route) => route.table === table);
}

/** Adds the route, or puts it in the place of the one to the same destination in the same table. */
export function replaceRoute(socket: NetlinkSocket, route: NewRoute): void {
  socket.request({
    operation: `set route to ${formatIpv4(route.destination)}/${route.prefixLength}`,
    type: RTM.newRoute,
    flags: NLM_F.create | NLM_F.replace,
    payload: encodeRoute(route),
  });
}

export function deleteRoute(socket: NetlinkSocket, route: NewRoute): void {
  socket.request({
    operation: `delete route to ${formatIpv4(route.destination)}/${route.prefixLength}`,
    type: RTM.deleteRoute,
    payload: encodeRoute(route),
  });
}

export function decodeRoute(message: NetlinkMessage): Route {
  const { payload } = message;
  const attributes = decodeAttributes(payload, HEADER_BYTES);
  const multipath = attributes.get(RTA.multipath);
  const hop = multipath === undefined ? undefined : decodeAttributes(multipath, NEXT_HOP_BYTES);
  const metrics = decodeAttributes(attributes.get(RTA.metrics) ?? Buffer.alloc(0));
  return {
    type: payload.readUInt8(7),
    table: readNumber(attributes.get(RTA.table)) ?? payload.readUInt8(4),
    destination: readAddress(attributes.get(RTA.destination)) ?? (0 as Ipv4Address),
    prefixLength: payload.readUInt8(1),
    ifIndex: readNumber(attributes.get(RTA.outInterface)) ?? multipath?.readInt32LE(4),
    gateway: readAddress(attributes.get(RTA.gateway) ?? hop?.get(RTA.gateway)),
    source: readAddress(attributes.get(RTA.prefSource)),
    mtuBytes: readNumber(metrics.get(RTAX_MTU)),
    multipath: multipath !== undefined,
  };
}

function encodeRoute(route: NewRoute): Uint8Array {
  const attributes: Attribute[] = [[RTA.table, u32(route.table ?? RT_TABLE.main)]];
  if (route.prefixLength > 0) attributes.push([RTA.destination, addressBytes(route.destination)]);
  if (route.ifIndex !== undefined) attributes.push([RTA.outInterface, u32(route.ifIndex)]);
  if (route.gateway !== undefined) attributes.push([RTA.gateway, addressBytes(route.gateway)]);
  if (route.source !== undefined) attributes.push([RTA.prefSource, addressBytes(route.source)]);
  if (route.mtuBytes !== undefined) attributes.push([RTA.metrics, [[RTAX_MTU, u32(route.mtuBytes)]]]);
  const type = route.type ?? RTN.unicast;
  const scope = scopeOf(type, route.gateway !== undefined);
  return Buffer.concat([
    header({ prefixLength: route.prefixLength, type, scope }),
    encodeAttributes(attributes),
  ]);
}

function scopeOf(type: number, viaGateway: boolean): number {
  if (type === RTN.local) return SCOPE.host;
  return type === RTN.unicast && !viaGateway ? SCOPE.link : SCOPE.universe;
}

/** struct rtmsg; a look-up and a dump leave type, protocol and scope 0, as strict checking demands. */
function header(fields: { prefixLength: number; type?: number; scope?: number; flags?: number }): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt8(AF.inet, 0);
  bytes.writeUInt8(fields.prefixLength, 1);
  bytes.writeUInt32LE(fields.flags ?? 0, 8);
  if (fields.type !== undefined) {
    bytes.writeUInt8(PROTOCOL_STATIC, 5);
    bytes.writeUInt8(fields.scope ?? SCOPE.universe, 6);
    bytes.writeUInt8(fields.type, 7);
  }
  return bytes;
}
