// Resolves the way to an address: route, interface, neighbour, MTU.
import type { NextHop as ResolvedHop } from '../../../forwarding/image/tables/real-table.ts';
import { NUD, RTN } from '../../../linux/netlink/constants.ts';
import type { Link } from '../../../linux/netlink/devices/link.ts';
import { isUsable } from '../../../linux/netlink/neighbour.ts';
import type { Route } from '../../../linux/netlink/route.ts';
import { familyOf, formatIp, type IpAddress, isIpv4, isIpv6 } from '../../../net/address/ip-address.ts';
import { isIpv6LinkLocal } from '../../../net/address/ipv6-address.ts';
import type { NetworkView } from './network-view.ts';
import type { WayOut } from './ways-out.ts';

/** The way to an address, as far as it is known. */
export interface NextHop {
  /**
   * The outer source address, of the address's family; undefined while there is no route, or no address of the director for it.
   */
  readonly sourceAddress: IpAddress | undefined;
  readonly mtuBytes: number;
  /** The neighbour whose MAC address is needed; undefined when there is none to ask. */
  readonly neighbour: { readonly ifIndex: number; readonly address: IpAddress } | undefined;
  /** The next hop for the fast path; undefined if the slow path sends. */
  readonly resolved: ResolvedHop | undefined;
  /** True if it is an address of the director itself. */
  readonly local?: boolean;
  /** `resolving` may yet succeed without anything else changing. */
  readonly state: 'resolved' | 'resolving' | 'failed';
  /** A description for the operator: `via 10.0.0.1 on eth0`, `no route`. */
  readonly detail: string;
}

/** The questions that are asked about the machine's network. */
export interface Network extends Pick<NetworkView, 'link' | 'neighbour'> {
  /** Returns how the fast path sends out of an interface; undefined if it cannot. */
  wayOut(link: Link): WayOut | undefined;
}

const MAC_BYTES = 6;
const NO_ROUTE_MTU_BYTES = 1500;

/**
 * Follows a route to the frame's addresses: of either family, by a next hop of either (RFC 5549), and through a VLAN device
 * to its parent and the tag.
 */
export function resolveNextHop(view: Network, destination: IpAddress, route: Route | undefined): NextHop {
  const link = route?.ifIndex === undefined ? undefined : view.link(route.ifIndex);
  if (route === undefined || link === undefined || NOWHERE.has(route.type)) return unreachable('no route');
  if (route.type === RTN.local) return OWN_STACK;
  if (route.type !== RTN.unicast) return unreachable('the address is not another host');
  const sourceAddress = usableSource(route.source, destination);
  const way = { sourceAddress, mtuBytes: Math.min(route.mtuBytes ?? link.mtuBytes, link.mtuBytes) };
  if (!link.running) return { ...way, ...unusable(`${link.name} is down`), state: 'failed' };
  if (sourceAddress === undefined)
    return { ...way, ...unusable(noSource(link, destination)), state: 'failed' };
  const exit = exitOf(view, link);
  // A tunnel or another device that XDP cannot send by: the kernel knows how to send there.
  if (exit === undefined) return { ...way, ...unusable(`on ${link.name}`), state: 'resolving' };
  return { ...way, ...viaNeighbour(view, { link, exit, address: route.gateway ?? destination }) };
}

/** The stack takes packets of any size. */
const OWN_STACK: NextHop = {
  sourceAddress: undefined,
  mtuBytes: 0xffff,
  neighbour: undefined,
  resolved: undefined,
  local: true,
  state: 'resolved',
  detail: "this host's own stack",
};

/** A look-up of IPv6 finds such routes; that of IPv4 finds none at all. */
const NOWHERE: ReadonlySet<number> = new Set([RTN.blackhole, RTN.unreachable, RTN.prohibit]);

type Exit = Omit<ResolvedHop, 'nextHopMac'>;

/**
 * Returns where frames that a link sends leave the machine; undefined unless it is Ethernet, or a VLAN on it, that XDP can send
 * by.
 */
function exitOf(view: Network, link: Link): Exit | undefined {
  if (link.mac.length !== MAC_BYTES) return undefined;
  const device = link.kind === 'vlan' ? link.vlan && view.link(link.vlan.parentIndex) : link;
  if (device === undefined || device.kind === 'vlan') return undefined;
  const way = view.wayOut(device);
  if (way === undefined) return undefined;
  const exit = { sourceMac: link.mac, ifIndex: device.index, redirect: way === 'redirect' };
  return link.vlan === undefined ? exit : { ...exit, vlan: link.vlan.id };
}

function viaNeighbour(
  view: Pick<NetworkView, 'neighbour'>,
  { link, exit, address }: { readonly link: Link; readonly exit: Exit; readonly address: IpAddress },
): Pick<NextHop, 'neighbour' | 'resolved' | 'state' | 'detail'> {
  const neighbour = { ifIndex: link.index, address };
  const entry = view.neighbour(link.index, address);
  const detail = `via ${formatIp(address)} on ${link.name}`;
  if (entry?.mac !== undefined && isUsable(entry)) {
    return { neighbour, resolved: { ...exit, nextHopMac: entry.mac }, state: 'resolved', detail };
  }
  if (entry === undefined || (entry.state & NUD.failed) === 0) {
    return { neighbour, resolved: undefined, state: 'resolving', detail };
  }
  const question = isIpv4(address) ? 'ARP' : 'neighbour solicitations';
  const unanswered = `${detail} does not answer ${question}`;
  return { neighbour, resolved: undefined, state: 'failed', detail: unanswered };
}

/** A link-local address is of no use to who is not on the link; undefined for it, and for one of the other family. */
export function usableSource(source: IpAddress | undefined, destination: IpAddress): IpAddress | undefined {
  if (source === undefined || familyOf(source) !== familyOf(destination)) return undefined;
  return isLinkLocal(source) && !isLinkLocal(destination) ? undefined : source;
}

function isLinkLocal(address: IpAddress): boolean {
  return isIpv6(address) && isIpv6LinkLocal(address);
}

function noSource({ name }: Link, destination: IpAddress): string {
  return `the director has no IPv${familyOf(destination)} address to send from on ${name}`;
}

function unreachable(detail: string): NextHop {
  return { sourceAddress: undefined, mtuBytes: NO_ROUTE_MTU_BYTES, ...unusable(detail), state: 'failed' };
}

function unusable(detail: string): Pick<NextHop, 'neighbour' | 'resolved' | 'detail'> {
  return { neighbour: undefined, resolved: undefined, detail };
}
