import { CulvertError } from '../../errors.ts';
import { tunnelOverheadBytes } from '../../forwarding/tunnel/kind.ts';
import { ANY_ADDRESS } from '../../linux/address-family.ts';
import { errnoOf } from '../../linux/errno.ts';
import { changeLink, deleteLink, findLink } from '../../linux/netlink/link.ts';
import { listRoutes, lookUpRoute, replaceRoute } from '../../linux/netlink/route.ts';
import { addMarkRule, deleteMarkRule, listMarkRules } from '../../linux/netlink/rule.ts';
import type { NetlinkSocket } from '../../linux/netlink/socket.ts';
import { readSysctl, writeSysctl } from '../../linux/sysctl.ts';
import { type IpAddress, type IpFamily, ip } from '../../net/ip-address.ts';
import { IPV6_MIN_MTU_BYTES } from '../../net/ipv6.ts';

/** The most that any tunnel takes of a path's MTU: GUE with remote checksums over IPv6. */
const TUNNEL_BYTES = tunnelOverheadBytes({ type: 'gue', port: 0, checksum: 'remote' }, 6);
/** The largest that a TAP device takes: a merged packet that the fast path hands over must fit. */
const TAP_MTU_BYTES = 65_521;
const RULE_PRIORITY = 1000;
const NUMBER_BASE = 0xc7000000;
const NAME_BYTES = 15;
/** RFC 791 and RFC 8200: of every link. */
const LEAST_MTU_BYTES: Readonly<Record<IpFamily, number>> = { 4: 68, 6: IPV6_MIN_MTU_BYTES };
/** For documentation (RFC 5737, RFC 3849): no host has them. */
const SOMEWHERE: Readonly<Record<IpFamily, IpAddress>> = {
  4: ip('203.0.113.254'),
  6: ip('2001:db8:ffff:ffff::fffe'),
};
const FAMILIES: readonly IpFamily[] = [4, 6];

/** IPv6 sends nothing of its own accord on a device without an address: no link-local one, and none that a router offers. */
const QUIET_IPV6 = [
  ['addr_gen_mode', '1'],
  ['accept_ra', '0'],
  ['router_solicitations', '0'],
  ['disable_ipv6', '0'],
] as const;

/** The name of an instance's TAP device, which its pins and its routing outlive the daemon with. */
export function tapNameOf(instance: string): string {
  const name = `cv-${instance}`;
  if (name.length <= NAME_BYTES) return name;
  let hash = 0;
  for (const character of instance) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  return `cv-${instance.slice(0, 3)}-${hash.toString(16).padStart(8, '0')}`;
}

/** One number for the mark of check sockets and for the table that it leads to: that of the TAP device, and so of an instance. */
export function checkMark(tapIndex: number): number {
  return (NUMBER_BASE + tapIndex) >>> 0;
}

/**
 * Brings the TAP device up and has the host's stack route marked packets of both families into it. Idempotent.
 * @param linkMtuBytes the least of the director's interfaces
 */
export function prepareTap(socket: NetlinkSocket, tapName: string, linkMtuBytes: number): number {
  const tap = findLink(socket, tapName);
  if (tap === undefined)
    throw new CulvertError('INTERFACE', 'the TAP device has vanished', { where: tapName });
  silenceIpv6(tapName);
  changeLink(socket, tap.index, { up: true, arp: false, mtuBytes: TAP_MTU_BYTES });
  for (const family of FAMILIES) routeMarked(socket, family, { ifIndex: tap.index, linkMtuBytes });
  return tap.index;
}

/** What others have changed of all that; `gone`: the device that had this index. */
export function tapFaults(socket: NetlinkSocket, tapName: string, ifIndex: number): string[] {
  const tap = findLink(socket, tapName);
  if (tap?.index !== ifIndex) return ['gone'];
  const faults: string[] = [];
  if (!tap.up) faults.push('it is down');
  if (tap.mtuBytes !== TAP_MTU_BYTES) faults.push(`its MTU is ${tap.mtuBytes}`);
  const lost = FAMILIES.filter((family) => !leadsTo(socket, family, ifIndex));
  // Routes go with a device that is down, and come back with the rest.
  if (tap.up) faults.push(...lost.map((family) => `no rule and route lead IPv${family} checks there`));
  return faults;
}

/** Of a device that is gone. */
export function dropMarkRules(socket: NetlinkSocket, mark: number): void {
  for (const rule of listMarkRules(socket)) {
    if (rule.priority === RULE_PRIORITY && rule.mark === mark) deleteMarkRule(socket, rule);
  }
}

/** A look-up rather than a list: a router has a million routes. True of a family that the kernel does without. */
function leadsTo(socket: NetlinkSocket, family: IpFamily, ifIndex: number): boolean {
  try {
    return lookUpRoute(socket, SOMEWHERE[family], checkMark(ifIndex))?.ifIndex === ifIndex;
  } catch (error) {
    if (family === 6 && ['EOPNOTSUPP', 'EAFNOSUPPORT'].includes(errnoOf(error) ?? '')) return true;
    throw error;
  }
}

/** Takes the device away, and with it its routes and the rules that lead there. False when there was none. */
export function removeTap(socket: NetlinkSocket, tapName: string): boolean {
  const tap = findLink(socket, tapName);
  if (tap === undefined) return false;
  const tables = new Set(
    listRoutes(socket)
      .filter(({ ifIndex }) => ifIndex === tap.index)
      .map(({ table }) => table),
  );
  for (const rule of listMarkRules(socket)) {
    if (rule.priority === RULE_PRIORITY && tables.has(rule.table)) deleteMarkRule(socket, rule);
  }
  deleteLink(socket, tap.index);
  return true;
}

/** Before the device is up, or it would have an address already. */
function silenceIpv6(tapName: string): void {
  for (const [name, value] of QUIET_IPV6) {
    const path = `net/ipv6/conf/${tapName}/${name}`;
    const present = readSysctl(path);
    if (present !== undefined && present !== value) writeSysctl(path, value);
  }
}

function routeMarked(
  socket: NetlinkSocket,
  family: IpFamily,
  { ifIndex, linkMtuBytes }: { readonly ifIndex: number; readonly linkMtuBytes: number },
): void {
  const mtuBytes = Math.max(linkMtuBytes - TUNNEL_BYTES, LEAST_MTU_BYTES[family]);
  const table = checkMark(ifIndex);
  try {
    replaceRoute(socket, { destination: ANY_ADDRESS[family], prefixLength: 0, ifIndex, table, mtuBytes });
    addMarkRule(socket, { family, priority: RULE_PRIORITY, mark: table, table });
  } catch (error) {
    // A kernel that was told to do without IPv6.
    if (family === 4 || errnoOf(error) !== 'EOPNOTSUPP') throw error;
  }
}
