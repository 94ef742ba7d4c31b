// Finds the interfaces by which this machine's routes lead to addresses.
import { listLinks } from '../../linux/netlink/devices/link.ts';
import { lookUpRoute } from '../../linux/netlink/route.ts';
import { NetlinkSocket } from '../../linux/netlink/socket.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';

/** The interfaces by which this machine's routes lead to the addresses, each once; its own addresses lead to none. */
export function interfacesOfRoutes(addresses: readonly IpAddress[]): string[] {
  using socket = new NetlinkSocket();
  const names = new Map(listLinks(socket).map(({ index, name }) => [index, name]));
  const found = addresses.flatMap((address) => names.get(lookUpRoute(socket, address)?.ifIndex ?? 0) ?? []);
  return [...new Set(found)].filter((name) => name !== 'lo');
}
