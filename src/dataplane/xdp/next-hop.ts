import { NUD, RTN } from '../../linux/netlink/constants.ts';
import { isUsable } from '../../linux/netlink/neighbour.ts';
import type { Route } from '../../linux/netlink/route.ts';
import { formatIp, type IpAddress, isIpv4 } from '../../net/ip-address.ts';
import type { Ipv4Address } from '../../net/ipv4-address.ts';
import type { NetworkView } from './network-view.ts';

/** The way to an address, as far as it is known. */
export interface NextHop {
  /** Undefined while there is no route. */
  readonly sourceAddress: Ipv4Address | undefined;
  readonly mtuBytes: number;
  /** Whom to ask for the MAC address; undefined when nobody can be asked. */
  readonly neighbour: { readonly ifIndex: number; readonly address: IpAddress } | undefined;
  /** What the fast path needs; undefined: the slow path sends. */
  readonly resolved: ResolvedHop | undefined;
  /** `resolving` may yet succeed without anything else changing. */
  readonly state: 'resolved' | 'resolving' | 'failed';
  /** For the operator: `via 10.0.0.1 on eth0`, `no route`. */
  readonly detail: string;
}

export interface ResolvedHop {
  readonly nextHopMac: Uint8Array;
  readonly sourceMac: Uint8Array;
  readonly ifIndex: number;
}

const MAC_BYTES = 6;
const NO_ROUTE_MTU_BYTES = 1500;

/** Follows a route to the frame's addresses. */
export function resolveNextHop(
  view: NetworkView,
  destination: Ipv4Address,
  route: Route | undefined,
): NextHop {
  const link = route?.ifIndex === undefined ? undefined : view.link(route.ifIndex);
  if (route === undefined || link === undefined) return unreachable('no route');
  if (route.type !== RTN.unicast) return unreachable('the address is not another host');
  const way = {
    sourceAddress: route.source !== undefined && isIpv4(route.source) ? route.source : undefined,
    mtuBytes: Math.min(route.mtuBytes ?? link.mtuBytes, link.mtuBytes),
  };
  if (!link.running) return { ...way, ...unusable(`${link.name} is down`), state: 'failed' };
  // A tunnel or another link without addresses of its own: the kernel knows how to send there.
  if (link.mac.length !== MAC_BYTES) return { ...way, ...unusable(`on ${link.name}`), state: 'resolving' };
  const neighbour: NextHop['neighbour'] = { ifIndex: link.index, address: route.gateway ?? destination };
  const entry = view.neighbour(neighbour.ifIndex, neighbour.address);
  const detail = `via ${formatIp(neighbour.address)} on ${link.name}`;
  if (entry?.mac === undefined || !isUsable(entry)) {
    const failed = entry !== undefined && (entry.state & NUD.failed) !== 0;
    const unanswered = failed ? `${detail} does not answer ARP` : detail;
    return {
      ...way,
      neighbour,
      resolved: undefined,
      state: failed ? 'failed' : 'resolving',
      detail: unanswered,
    };
  }
  const resolved = { nextHopMac: entry.mac, sourceMac: link.mac, ifIndex: link.index };
  return { ...way, neighbour, resolved, state: 'resolved', detail };
}

function unreachable(detail: string): NextHop {
  return { sourceAddress: undefined, mtuBytes: NO_ROUTE_MTU_BYTES, ...unusable(detail), state: 'failed' };
}

function unusable(detail: string): Pick<NextHop, 'neighbour' | 'resolved' | 'detail'> {
  return { neighbour: undefined, resolved: undefined, detail };
}
