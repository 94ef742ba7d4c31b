import { lookUpRoute } from '../../linux/netlink/route.ts';
import type { NetlinkSocket } from '../../linux/netlink/socket.ts';
import { readSysctl } from '../../linux/sysctl.ts';
import { formatIp, type IpAddress } from '../../net/ip-address.ts';

const STRICT = 1;

/**
 * What is wrong with the reverse path filter for the answers to health checks: they come from a VIP, and the strict
 * filter takes them only on the interface that the VIP is routed to. Undefined when nothing is.
 */
export function reversePathProblem(
  socket: NetlinkSocket,
  director: { readonly name: string; readonly ifIndex: number },
  vips: Iterable<IpAddress>,
): string | undefined {
  if (reversePathFilter(director.name) !== STRICT) return undefined;
  const dropped = [...vips].filter((vip) => lookUpRoute(socket, vip)?.ifIndex !== director.ifIndex);
  if (dropped.length === 0) return undefined;
  return (
    `answers to health checks from ${dropped.map(formatIp).join(', ')} would be dropped: rp_filter is strict on ` +
    `${director.name}; set net.ipv4.conf.${director.name}.rp_filter=2`
  );
}

/** The stricter of the interface's own setting and the one for all. */
function reversePathFilter(name: string): number {
  const settings = ['all', name].map((part) => Number(readSysctl(`net/ipv4/conf/${part}/rp_filter`) ?? 0));
  return Math.max(...settings);
}
