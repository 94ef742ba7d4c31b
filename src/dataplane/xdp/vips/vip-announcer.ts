// Gratuitous ARP and unsolicited neighbour advertisements for VIPs.
import { buildAnnouncement } from '../../../forwarding/answers/announcement.ts';
import type { Claim } from '../../../forwarding/forwarding-table.ts';
import { errnoOf } from '../../../linux/errno.ts';
import { listAddresses } from '../../../linux/netlink/address.ts';
import { type Link, listLinks } from '../../../linux/netlink/devices/link.ts';
import { NetworkMonitor } from '../../../linux/netlink/monitor.ts';
import type { NetlinkSocket } from '../../../linux/netlink/socket.ts';
import { PacketSocket } from '../../../linux/sockets/packet-socket.ts';
import type { IpAddress } from '../../../net/address/ip-address.ts';

export interface VipAnnouncerOptions {
  readonly netlink: NetlinkSocket;
  /** Interfaces that VIP traffic reaches. */
  readonly links: () => readonly Link[];
  readonly claims: () => ReadonlyMap<IpAddress, Claim>;
}

/** Neighbours may be busy, or a frame be lost: an announcement is repeated after these times. */
const REPEAT_AFTER_MS = [1000, 2000, 5000, 10_000] as const;
const FRAMES_IN_A_ROW = 100;
const PAUSE_MS = 10;

interface Announcement {
  readonly vip: IpAddress;
  readonly link: Link;
}

/**
 * Announces to neighbours that this host answers for a VIP, so that those who know another host for it send here. That is so when
 * a VIP is new, is claimed in another way, or became an address of the host (`claim: host`), and when an interface is new or has
 * another MAC address.
 */
export class VipAnnouncer implements Disposable {
  readonly #options: VipAnnouncerOptions;
  readonly #socket = new PacketSocket(0);
  readonly #monitor: NetworkMonitor;
  readonly #timers = new Set<NodeJS.Timeout>();
  #announced: ReadonlySet<string> = new Set();
  #queue: Announcement[] = [];

  constructor(options: VipAnnouncerOptions) {
    this.#options = options;
    this.#monitor = new NetworkMonitor((change) => {
      const { address } = change.type === 'address' ? change.address : { address: undefined };
      if (change.type === 'overrun' || (address !== undefined && options.claims().get(address) === 'host')) {
        this.update();
      }
    });
  }

  /** Looks at what this host answers for now, and announces what is new. */
  update(): void {
    const answered = this.#answered();
    const links = this.#exits();
    const all = new Map<string, Announcement>();
    for (const vip of answered) for (const link of links) all.set(keyOf(vip, link), { vip, link });
    const fresh = [...all].filter(([key]) => !this.#announced.has(key)).map(([, each]) => each);
    this.#announced = new Set(all.keys());
    if (fresh.length === 0) return;
    this.#send(fresh);
    for (const delayMs of REPEAT_AFTER_MS) this.#later(delayMs, () => this.#send(fresh));
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#monitor.close();
    this.#socket.close();
  }

  #answered(): IpAddress[] {
    const claims = [...this.#options.claims()];
    const always = claims.flatMap(([vip, claim]) => (claim === 'always' ? [vip] : []));
    const byHost = new Set(claims.flatMap(([vip, claim]) => (claim === 'host' ? [vip] : [])));
    if (byHost.size === 0) return always;
    const own = listAddresses(this.#options.netlink).map(({ address }) => address);
    return [...always, ...new Set(own.filter((address) => byHost.has(address)))];
  }

  /** VLAN devices have neighbours of their own. */
  #exits(): Link[] {
    const parents = this.#options.links();
    const indices = new Set(parents.map(({ index }) => index));
    const children = listLinks(this.#options.netlink).filter(
      ({ vlan, up }) => up && vlan !== undefined && indices.has(vlan.parentIndex),
    );
    return [...parents, ...children.filter(({ index }) => !indices.has(index))];
  }

  /** Thousands of frames at once would be lost in the interface's queue. */
  #send(announcements: readonly Announcement[]): void {
    const idle = this.#queue.length === 0;
    this.#queue.push(...announcements);
    if (idle) this.#sendSome();
  }

  #sendSome(): void {
    for (const { vip, link } of this.#queue.splice(0, FRAMES_IN_A_ROW)) {
      // A VIP that was given up meanwhile belongs to another host.
      if (this.#announced.has(keyOf(vip, link))) this.#sendOne(vip, link);
    }
    if (this.#queue.length > 0) this.#later(PAUSE_MS, () => this.#sendSome());
  }

  #sendOne(vip: IpAddress, link: Link): void {
    try {
      this.#socket.send(buildAnnouncement(vip, link.mac), link.index);
    } catch (error) {
      if (!GONE.has(errnoOf(error) ?? '')) throw error;
    }
  }

  #later(delayMs: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, delayMs);
    timer.unref();
    this.#timers.add(timer);
  }
}

/** The interface went away or down meanwhile. */
const GONE: ReadonlySet<string> = new Set(['ENODEV', 'ENXIO', 'ENETDOWN', 'ENOBUFS']);

function keyOf(vip: IpAddress, { index, mac }: Link): string {
  return `${vip} ${index} ${Buffer.from(mac).toString('hex')}`;
}
