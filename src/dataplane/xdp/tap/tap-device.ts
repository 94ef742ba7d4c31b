// Makes, checks and removes the TAP devices of a director.
import { CulvertError } from '../../../errors.ts';
import { changeLink, deleteLink, findLink } from '../../../linux/netlink/devices/link.ts';
import { deleteRoute, listRoutes } from '../../../linux/netlink/route.ts';
import { deleteMarkRule, listMarkRules } from '../../../linux/netlink/rule.ts';
import type { NetlinkSocket } from '../../../linux/netlink/socket.ts';
import { readSysctl, writeSysctl } from '../../../linux/sysctl.ts';

/** The largest that a TAP device takes: a merged packet that the fast path hands over must fit. */
const TAP_MTU_BYTES = 65_521;
/** More than the fast path hands over before it waits for the slow path to have taken it: see `HandOver`. */
const QUEUE_LENGTH = 8192;
const NAME_BYTES = 15;

/** IPv6 sends nothing of its own accord on a device without an address: no link-local one, and none that a router offers. */
const QUIET_IPV6 = [
  ['addr_gen_mode', '1'],
  ['accept_ra', '0'],
  ['router_solicitations', '0'],
  ['disable_ipv6', '0'],
] as const;

/**
 * The name of one of an instance's TAP devices.
 * @param prefix `cv`: what the fast path hands over; `ca`: answers to checks
 */
export function tapNameOf(instance: string, prefix: 'cv' | 'ca' = 'cv'): string {
  const name = `${prefix}-${instance}`;
  if (name.length <= NAME_BYTES) return name;
  let hash = 0;
  for (const character of instance) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  return `${prefix}-${instance.slice(0, 3)}-${hash.toString(16).padStart(8, '0')}`;
}

/** Brings a TAP device up. Idempotent. @returns its index */
export function prepareTap(socket: NetlinkSocket, tapName: string): number {
  const tap = findLink(socket, tapName);
  if (tap === undefined)
    throw new CulvertError('INTERFACE', 'the TAP device no longer exists', { where: tapName });
  silenceIpv6(tapName);
  changeLink(socket, tap.index, { arp: false, mtuBytes: TAP_MTU_BYTES, queueLength: QUEUE_LENGTH });
  changeLink(socket, tap.index, { up: true });
  return tap.index;
}

/** Returns what others have changed on the device; `gone`: the device that had this index. */
export function tapFaults(socket: NetlinkSocket, tapName: string, ifIndex: number): string[] {
  const tap = findLink(socket, tapName);
  if (tap?.index !== ifIndex) return ['gone'];
  const faults: string[] = [];
  if (!tap.up) faults.push('it is down');
  if (tap.mtuBytes !== TAP_MTU_BYTES) faults.push(`its MTU is ${tap.mtuBytes}`);
  if (tap.queueLength !== QUEUE_LENGTH) faults.push(`its queue length is ${tap.queueLength}`);
  return faults;
}

/** Removes the device. Returns false when there was none. */
export function removeTap(socket: NetlinkSocket, tapName: string): boolean {
  const tap = findLink(socket, tapName);
  if (tap === undefined) return false;
  removeFormerRouting(socket, tap.index);
  deleteLink(socket, tap.index);
  return true;
}

/** The priority of policy rules by which an earlier version led the marked packets of checks to the TAP device. */
const FORMER_RULE_PRIORITY = 1000;
const FORMER_NUMBER_BASE = 0xc7000000;

/** Removes the rules and routes of such a version. */
export function removeFormerRouting(socket: NetlinkSocket, tapIndex: number): void {
  const table = (FORMER_NUMBER_BASE + tapIndex) >>> 0;
  const rules = listMarkRules(socket).filter(
    (rule) => rule.priority === FORMER_RULE_PRIORITY && rule.mark === table && rule.table === table,
  );
  if (rules.length === 0) return;
  for (const rule of rules) deleteMarkRule(socket, rule);
  for (const { destination, prefixLength, ifIndex } of listRoutes(socket, { table })) {
    if (ifIndex === tapIndex) deleteRoute(socket, { destination, prefixLength, ifIndex, table });
  }
}

/** Stops IPv6 from sending. Must run before the device is up, or it would have an address already. */
function silenceIpv6(tapName: string): void {
  for (const [name, value] of QUIET_IPV6) {
    const path = `net/ipv6/conf/${tapName}/${name}`;
    const present = readSysctl(path);
    if (present !== undefined && present !== value) writeSysctl(path, value);
  }
}
