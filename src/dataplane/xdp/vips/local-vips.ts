// Routes that make VIPs local for real servers that are the director itself.
import { errnoOf } from '../../../linux/errno.ts';
import { RT_TABLE, RTN } from '../../../linux/netlink/constants.ts';
import { type Link, listLinks } from '../../../linux/netlink/devices/link.ts';
import {
  addRoute,
  deleteRoute,
  listRoutes,
  lookUpRoute,
  type NewRoute,
} from '../../../linux/netlink/route.ts';
import type { NetlinkSocket } from '../../../linux/netlink/socket.ts';
import { readSysctl } from '../../../linux/sysctl.ts';
import { formatIp, type IpAddress, isIpv4 } from '../../../net/address/ip-address.ts';

export interface LocalVipsOptions {
  readonly netlink: NetlinkSocket;
  /** Returns the index of the instance's TAP device, with which its routes vanish. */
  readonly deviceIndex: () => number;
  /**
   * Returns the interfaces on which the kernel answers no ARP request for a VIP: the fast path takes these, or none arrives
   * there.
   */
  readonly silent: () => readonly number[];
  readonly warn: (message: string) => void;
}

/** The protocol number of culvert's own routes, for `ip route show table local proto 199`. */
const ROUTE_PROTOCOL = 199;
const MAC_BYTES = 6;

/**
 * Makes the host's stack accept packets to VIPs of which a real is the director itself: by a local route, where the VIP is not an
 * address of the host. The route names the instance's TAP device, so that it vanishes with it; the kernel delivers locally on any
 * device.
 */
export class LocalVips {
  readonly #options: LocalVipsOptions;
  #wanted: ReadonlySet<IpAddress> = new Set();
  #known = false;
  readonly #warned = new Set<IpAddress>();

  constructor(options: LocalVipsOptions) {
    this.#options = options;
  }

  /** Sets these VIPs and removes all others. */
  set(vips: ReadonlySet<IpAddress>): void {
    const gone = [...this.#wanted].some((vip) => !vips.has(vip));
    this.#wanted = vips;
    // What an earlier run left is looked for once.
    if (gone || !this.#known) this.#removeOthers();
    this.#known = true;
    this.refresh();
  }

  /** Adds what is missing, for example after an address of the host was removed. Call it about every second. */
  refresh(): void {
    const { netlink } = this.#options;
    const missing = [...this.#wanted].filter((vip) => lookUpRoute(netlink, vip)?.type !== RTN.local);
    for (const vip of missing) this.#add(vip);
    const news = missing.filter((vip) => isIpv4(vip) && !this.#warned.has(vip));
    for (const vip of news) this.#warned.add(vip);
    if (news.length > 0) this.#warnOfAnswers(news);
  }

  #add(vip: IpAddress): void {
    try {
      addRoute(this.#options.netlink, this.#routeTo(vip));
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return;
      const text = error instanceof Error ? error.message : String(error);
      this.#options.warn(
        `${formatIp(vip)} cannot be made local, so the director cannot be one of its reals: ${text}`,
      );
    }
  }

  #removeOthers(): void {
    const { netlink, deviceIndex } = this.#options;
    const ifIndex = deviceIndex();
    for (const { type, destination, ...route } of listRoutes(netlink, { table: RT_TABLE.local })) {
      if (type !== RTN.local || route.ifIndex !== ifIndex || this.#wanted.has(destination)) continue;
      if (route.prefixLength === this.#routeTo(destination).prefixLength)
        deleteRoute(netlink, this.#routeTo(destination));
    }
  }

  #routeTo(vip: IpAddress): NewRoute {
    return {
      destination: vip,
      prefixLength: isIpv4(vip) ? 32 : 128,
      ifIndex: this.#options.deviceIndex(),
      table: RT_TABLE.local,
      type: RTN.local,
      protocol: ROUTE_PROTOCOL,
    };
  }

  /**
   * Warns where the kernel answers ARP: it does so for every local address on any interface where `arp_ignore` is 0. For IPv6 it
   * answers only for addresses.
   */
  #warnOfAnswers(vips: readonly IpAddress[]): void {
    const { netlink, silent, warn } = this.#options;
    const others = new Set(silent());
    const answering = listLinks(netlink).filter((link) => !others.has(link.index) && answersArp(link));
    if (answering.length === 0) return;
    const fixes = answering.map(({ name }) => `net.ipv4.conf.${name}.arp_ignore=1`);
    warn(
      `a real of ${vips.map(formatIp).join(', ')} is the director itself, so the kernel answers ARP for that on ` +
        `${answering.map(({ name }) => name).join(', ')} too. fix: sysctl -w ${fixes.join(' ')}`,
    );
  }
}

function answersArp({ name, up, mac }: Link): boolean {
  if (!up || mac.length !== MAC_BYTES || mac.every((byte) => byte === 0)) return false;
  return ['all', name].every((each) => Number(readSysctl(`net/ipv4/conf/${each}/arp_ignore`) ?? 0) === 0);
}
