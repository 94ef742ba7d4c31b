import { CulvertError } from '../../errors.ts';
import { changeLink, deleteLink, findLink } from '../../linux/netlink/link.ts';
import { listRoutes, replaceRoute } from '../../linux/netlink/route.ts';
import { addMarkRule, deleteMarkRule, listMarkRules, type MarkRule } from '../../linux/netlink/rule.ts';
import type { NetlinkSocket } from '../../linux/netlink/socket.ts';
import { readSysctl, writeSysctl } from '../../linux/sysctl.ts';
import type { Ipv4Address } from '../../net/ipv4-address.ts';

const TUNNEL_BYTES = 20;
/** The largest that a TAP device takes: a merged packet that the fast path hands over must fit. */
const TAP_MTU_BYTES = 65_521;
const RULE_PRIORITY = 1000;
const NUMBER_BASE = 0xc7000000;
const NAME_BYTES = 15;

/** The name of an instance's TAP device, which its pins and its routing outlive the daemon with. */
export function tapNameOf(instance: string): string {
  const name = `cv-${instance}`;
  if (name.length <= NAME_BYTES) return name;
  let hash = 0;
  for (const character of instance) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  return `cv-${instance.slice(0, 3)}-${hash.toString(16).padStart(8, '0')}`;
}

/** One number for the mark of check sockets and for the table that it leads to; an interface has but one director. */
export function checkMark(ifIndex: number): number {
  return (NUMBER_BASE + ifIndex) >>> 0;
}

/** Brings the TAP device up and has the host's stack route marked packets into it. Idempotent. */
export function prepareTap(
  socket: NetlinkSocket,
  tapName: string,
  director: { readonly ifIndex: number; readonly mtuBytes: number },
): number {
  const tap = findLink(socket, tapName);
  if (tap === undefined)
    throw new CulvertError('INTERFACE', 'the TAP device has vanished', { where: tapName });
  // It carries IPv4 only, and nothing that the host's stack says of its own accord.
  const noIpv6 = `net/ipv6/conf/${tapName}/disable_ipv6`;
  if (readSysctl(noIpv6) === '0') writeSysctl(noIpv6, '1');
  changeLink(socket, tap.index, { up: true, arp: false, mtuBytes: TAP_MTU_BYTES });
  const rule = checkRule(director.ifIndex);
  replaceRoute(socket, {
    destination: 0 as Ipv4Address,
    prefixLength: 0,
    ifIndex: tap.index,
    table: rule.table,
    mtuBytes: director.mtuBytes - TUNNEL_BYTES,
  });
  addMarkRule(socket, rule);
  return tap.index;
}

/** Takes the device away, and with it its route and the rule that leads there. False when there was none. */
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

function checkRule(ifIndex: number): MarkRule {
  return { family: 4, priority: RULE_PRIORITY, mark: checkMark(ifIndex), table: checkMark(ifIndex) };
}
