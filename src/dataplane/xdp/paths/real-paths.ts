// Writes the way to each real server into the image.
import { CulvertError } from '../../../errors.ts';
import type { RealIndex } from '../../../forwarding/decision.ts';
import type { ForwardingTable } from '../../../forwarding/forwarding-table.ts';
import type { ForwardingImage } from '../../../forwarding/image/forwarding-image.ts';
import type { PathMtus } from '../../../forwarding/path-mtu/learned.ts';
import { formatServiceName } from '../../../forwarding/service-name.ts';
import { bootTimeMs } from '../../../linux/clock.ts';
import { RTN } from '../../../linux/netlink/constants.ts';
import { lookUpRoute } from '../../../linux/netlink/route.ts';
import type { NetlinkSocket } from '../../../linux/netlink/socket.ts';
import { familyOf, formatIp, type IpAddress, isIpv6 } from '../../../net/address/ip-address.ts';
import { type Ipv6Address, isIpv6LinkLocal } from '../../../net/address/ipv6-address.ts';
import { IPV6_MIN_MTU_BYTES } from '../../../net/headers/ipv6.ts';
import type { PlaneEventListener } from '../../data-plane.ts';
import type { TunnelTarget } from '../checks/check-registry.ts';
import { OwnSources } from '../checks/check-sources.ts';
import type { LocalVips } from '../vips/local-vips.ts';
import { type NextHop, usableSource } from './next-hop.ts';
import { NextHops } from './next-hops.ts';
import type { WaysOut } from './ways-out.ts';

/** Writes the way to each real server into its entries of the image, and keeps it up to date. */
export class RealPaths implements Disposable {
  readonly #image: ForwardingImage;
  readonly #pathMtus: PathMtus;
  readonly #netlink: NetlinkSocket;
  readonly #nextHops: NextHops;
  readonly #lost: Set<IpAddress>;
  readonly #onLost: () => void;
  readonly #sources: OwnSources;
  readonly #localVips: Pick<LocalVips, 'set'>;
  /** The real servers' addresses that are the director's own. */
  readonly #locals = new Set<IpAddress>();
  /** Entries of each real server's address. */
  #entries = new Map<IpAddress, RealIndex[]>();

  constructor(options: {
    readonly image: ForwardingImage;
    readonly pathMtus: PathMtus;
    readonly netlink: NetlinkSocket;
    readonly waysOut: WaysOut;
    readonly localVips: Pick<LocalVips, 'set'>;
    readonly onEvent: PlaneEventListener;
    /** Holds the reals that there is no way to, kept up to date. */
    readonly lost: Set<IpAddress>;
    readonly onLost: () => void;
  }) {
    this.#lost = options.lost;
    this.#onLost = options.onLost;
    this.#image = options.image;
    this.#pathMtus = options.pathMtus;
    this.#netlink = options.netlink;
    this.#localVips = options.localVips;
    this.#sources = new OwnSources(options.netlink, (address) => options.image.isVip(address));
    this.#nextHops = new NextHops(options.netlink, options.waysOut, {
      changed: (address, hop) => {
        this.#write(address, hop);
        if (this.#noteLocal(address, hop)) this.followLocal();
        if (hop.state === 'failed') this.#noteWay(address, false);
        else if (hop.state === 'resolved' || hop.neighbour === undefined) this.#noteWay(address, true);
      },
      reported: (real, { state, detail }) => {
        this.#noteWay(real, state === 'resolved');
        options.onEvent({ type: 'next-hop', real, resolved: state === 'resolved', detail });
      },
    });
    this.follow();
  }

  /** A neighbour that is merely asked again changes nothing. */
  #noteWay(address: IpAddress, hasWay: boolean): void {
    if (this.#lost.has(address) !== hasWay) return;
    if (hasWay) this.#lost.delete(address);
    else this.#lost.add(address);
    this.#onLost();
  }

  /** Follows the reals that the image has now, and writes what is known of the way to each. */
  follow(): void {
    this.#entries = new Map();
    for (const { index, address } of this.#image.reals()) {
      const entries = this.#entries.get(address);
      if (entries === undefined) this.#entries.set(address, [index]);
      else entries.push(index);
    }
    const known = [...this.#entries.keys()].filter((address) => this.#nextHops.hop(address) !== undefined);
    for (const address of this.#lost) if (!this.#entries.has(address)) this.#lost.delete(address);
    this.#nextHops.follow(new Set(this.#entries.keys()));
    for (const address of known) {
      const hop = this.#nextHops.hop(address);
      if (hop !== undefined) this.#write(address, hop);
    }
    for (const address of this.#locals) if (!this.#entries.has(address)) this.#locals.delete(address);
    this.followLocal();
  }

  /**
   * Makes the host's stack accept the VIPs of which a real is the director itself. VIPs for which the host's stack answers ARP
   * (`claim: host`) are left out: such a VIP is an address of the host while it is this director's turn.
   */
  followLocal(): void {
    const indices = [...this.#locals].flatMap((address) => this.#entries.get(address) ?? []);
    const vips = indices.flatMap((index) => this.#image.real(index)?.service.vip ?? []);
    this.#localVips.set(new Set(vips.filter((vip) => this.#image.claimOf(vip) !== 'host')));
  }

  /** Returns where a check connects to for a real that is the director itself; undefined for other reals. */
  ownAddress({ vip, real }: TunnelTarget): IpAddress | undefined {
    if (!this.#locals.has(real)) return undefined;
    return lookUpRoute(this.#netlink, vip)?.type === RTN.local ? vip : real;
  }

  /** @throws CulvertError UNSUPPORTED if the way to a new IPv6 real is too narrow for IPv6, or leads nowhere without a zone. */
  refuseNarrow({ services }: ForwardingTable): void {
    for (const service of services) {
      for (const { address } of service.reals) {
        if (!isIpv6(address) || this.#entries.has(address)) continue;
        const fault = faultOfPath(address, this.#nextHops.resolve(address));
        if (fault === undefined) continue;
        const where = `${formatServiceName(service)}, real ${formatIp(address)}`;
        throw new CulvertError('UNSUPPORTED', fault, { where });
      }
    }
  }

  /** @throws CulvertError INTERFACE if new VIPs are all the addresses that the machine could send to real servers from. */
  refuseOnlySources({ services }: ForwardingTable): void {
    const fresh = new Set(services.map(({ vip }) => vip).filter((vip) => !this.#image.isVip(vip)));
    const own = this.#sources.list().map(({ address }) => address);
    const taken = own.filter((address) => fresh.has(address));
    if (taken.length === 0) return;
    const left = own.filter((address) => !fresh.has(address) && !this.#image.isVip(address));
    const families = new Set(services.flatMap(({ reals }) => reals.map(({ address }) => familyOf(address))));
    for (const vip of taken) {
      const family = familyOf(vip);
      if (!families.has(family) || left.some((address) => familyOf(address) === family)) continue;
      throw new CulvertError(
        'INTERFACE',
        `the VIP ${formatIp(vip)} is the only IPv${family} address of this machine: real servers have the VIP as well and ` +
          'drop tunnel packets that come from it. fix: give the machine another address',
      );
    }
  }

  /**
   * Returns the director's own address to which a real answers checks: the one on the way to it; for a VIP of the other family,
   * the one on the way of packets to the VIP's network. Returns undefined when there is none.
   */
  sourceTo({ vip, real }: TunnelTarget): IpAddress | undefined {
    if (familyOf(vip) === familyOf(real)) {
      const hop = this.#nextHops.hop(real);
      return hop && this.#sourceOf(hop);
    }
    const route = lookUpRoute(this.#netlink, vip);
    if (route === undefined) return undefined;
    // The route to a VIP that is an address of this machine says nothing about the way to its network.
    if (route.type === RTN.local) return this.#sources.any(familyOf(vip), undefined);
    const source = usableSource(route.source, vip);
    return source && this.#sources.insteadOf(source, route.ifIndex);
  }

  [Symbol.dispose](): void {
    this.#nextHops[Symbol.dispose]();
  }

  /** Notes whether the address is local. Returns true if that has changed. */
  #noteLocal(address: IpAddress, { local = false }: NextHop): boolean {
    if (this.#locals.has(address) === local) return false;
    if (local) this.#locals.add(address);
    else this.#locals.delete(address);
    return true;
  }

  #sourceOf(hop: NextHop): IpAddress | undefined {
    return hop.sourceAddress && this.#sources.insteadOf(hop.sourceAddress, ifIndexOf(hop));
  }

  #write(address: IpAddress, hop: NextHop): void {
    const mtuBytes = this.#pathMtus.bound(address, hop.mtuBytes, bootTimeMs());
    const { resolved, local } = hop;
    const path = { sourceAddress: this.#sourceOf(hop), mtuBytes, resolved, local };
    for (const index of this.#entries.get(address) ?? []) this.#image.setPath(index, path);
  }
}

function ifIndexOf({ neighbour, resolved }: NextHop): number | undefined {
  return neighbour?.ifIndex ?? resolved?.ifIndex;
}

function faultOfPath(real: Ipv6Address, { mtuBytes, detail }: NextHop): string | undefined {
  if (isIpv6LinkLocal(real))
    return 'a link-local address cannot be used here: it does not say which link it is on';
  if (mtuBytes >= IPV6_MIN_MTU_BYTES) return undefined;
  return `the path ${detail} has an MTU of ${mtuBytes}, but IPv6 needs ${IPV6_MIN_MTU_BYTES}; fix: raise the MTU of the route or the interface`;
}
