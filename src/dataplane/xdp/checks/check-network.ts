// The network namespace that the sockets of checks are in, with its TUN device.
import { tunnelOverheadBytes } from '../../../forwarding/tunnel/kind.ts';
import { Tun } from '../../../linux/devices/tun.ts';
import { errnoOf } from '../../../linux/errno.ts';
import { PrivateNamespace } from '../../../linux/namespaces/namespace-thread.ts';
import { addAddress, deleteAddress } from '../../../linux/netlink/address.ts';
import { changeLink, findLink } from '../../../linux/netlink/devices/link.ts';
import { replaceRoute } from '../../../linux/netlink/route.ts';
import { NetlinkSocket } from '../../../linux/netlink/socket.ts';
import { ANY_ADDRESS } from '../../../linux/sockets/address-family.ts';
import { preferSysctl, readSysctl } from '../../../linux/sysctl.ts';
import { type IpAddress, type IpFamily, isIpv4 } from '../../../net/address/ip-address.ts';
import { IPV6_MIN_MTU_BYTES } from '../../../net/headers/ipv6.ts';
import { checkPortRange } from './check-ports.ts';

/** The two ends of a check, of one family. */
export interface CheckEnds {
  /** The address of the director that the real server answers to. */
  readonly source: IpAddress;
  readonly vip: IpAddress;
}

/** The most that any tunnel takes of a path's MTU: GUE with remote checksums over IPv6. */
const TUNNEL_BYTES = tunnelOverheadBytes({ type: 'gue', port: 0, checksum: 'remote' }, 6);
/** RFC 791 and RFC 8200: of every link. */
const LEAST_MTU_BYTES: Readonly<Record<IpFamily, number>> = { 4: 68, 6: IPV6_MIN_MTU_BYTES };
const DEVICE = 'checks';
/** The largest that a TUN device takes: answers that receive offload has merged come in by it. */
const DEVICE_MTU_BYTES = 65_535;
const PORT_RANGE = 'net/ipv4/ip_local_port_range';

/**
 * The network namespace of the sockets of checks through the tunnel. There neither the host's addresses nor its filters matter.
 * Every packet that leaves it reaches the slow path through a TUN device, and answers arrive by it. It has no name and vanishes
 * with the daemon.
 */
export class CheckNetwork implements Disposable {
  readonly #namespace: PrivateNamespace;
  readonly #netlink: NetlinkSocket;
  readonly #tun: Tun;
  readonly #ifIndex: number;
  /** The director's addresses, to which answers come. */
  readonly #addresses = new Set<IpAddress>();
  readonly #resources: DisposableStack;
  /** Local ports that its sockets have. */
  readonly ports: { readonly first: number; readonly last: number };

  /** @throws CulvertError PERMISSION without CAP_SYS_ADMIN, KERNEL without /dev/net/tun */
  constructor(linkMtuBytes: number) {
    const hostPorts = readSysctl(PORT_RANGE);
    using opening = new DisposableStack();
    const namespace = opening.use(new PrivateNamespace());
    this.#namespace = namespace;
    this.#netlink = opening.use(namespace.run(() => new NetlinkSocket()));
    this.#tun = opening.use(namespace.run(() => new Tun(DEVICE)));
    namespace.run(() => quieten(checkPortRange(hostPorts)));
    const [first = 0, last = 65_535] = (namespace.run(() => readSysctl(PORT_RANGE)) ?? '')
      .split(/\s+/)
      .map(Number);
    this.ports = { first, last };
    this.#ifIndex = bringUp(this.#netlink);
    this.setLinkMtu(linkMtuBytes);
    this.#resources = opening.move();
  }

  /** Runs what opens a socket of a check in the namespace, where `source` is an address by then. */
  open<T>({ source, vip }: CheckEnds, work: () => T): T {
    this.#remove(vip);
    this.#add(source);
    return this.#namespace.run(work);
  }

  /** @param linkMtuBytes the least of the director's interfaces */
  setLinkMtu(linkMtuBytes: number): void {
    for (const family of [4, 6] as const) this.#route(family, linkMtuBytes - TUNNEL_BYTES);
  }

  /** Calls `listener` when there are packets to read. */
  onReadable(listener: () => void): void {
    this.#tun.onReadable(listener);
  }

  /** The next packet of a check, valid until the next read; undefined when there is none now. */
  read(): Uint8Array | undefined {
    return this.#tun.read();
  }

  /** Passes a packet to the checks. Returns false if it is lost. */
  deliver(packet: Uint8Array): boolean {
    return this.#tun.write(packet);
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }

  #add(address: IpAddress): void {
    if (this.#addresses.has(address)) return;
    addAddress(this.#netlink, { ...this.#own(address), noDad: true });
    this.#addresses.add(address);
  }

  /** An address that has become a VIP must not be local here. */
  #remove(address: IpAddress): void {
    if (this.#addresses.delete(address)) deleteAddress(this.#netlink, this.#own(address));
  }

  #own(address: IpAddress): { ifIndex: number; address: IpAddress; prefixLength: number } {
    return { ifIndex: this.#ifIndex, address, prefixLength: isIpv4(address) ? 32 : 128 };
  }

  #route(family: IpFamily, wantedMtuBytes: number): void {
    const mtuBytes = Math.max(wantedMtuBytes, LEAST_MTU_BYTES[family]);
    const destination = ANY_ADDRESS[family];
    try {
      replaceRoute(this.#netlink, { destination, prefixLength: 0, ifIndex: this.#ifIndex, mtuBytes });
    } catch (error) {
      // A kernel with IPv6 disabled.
      if (family === 4 || !NO_IPV6.has(errnoOf(error) ?? '')) throw error;
    }
  }
}

const NO_IPV6: ReadonlySet<string> = new Set(['EOPNOTSUPP', 'EAFNOSUPPORT', 'EACCES']);

/** Stops IPv6 from sending. Must run before the device is up, or it would have an IPv6 address already. */
function quieten(ports: string): void {
  preferSysctl(PORT_RANGE, ports);
  preferSysctl(`net/ipv6/conf/${DEVICE}/addr_gen_mode`, '1');
  preferSysctl(`net/ipv6/conf/${DEVICE}/router_solicitations`, '0');
  preferSysctl(`net/ipv6/conf/${DEVICE}/disable_ipv6`, '0');
}

function bringUp(netlink: NetlinkSocket): number {
  const loopback = findLink(netlink, 'lo');
  const device = findLink(netlink, DEVICE);
  if (loopback === undefined || device === undefined) throw new Error('the network of checks has no devices');
  changeLink(netlink, loopback.index, { up: true });
  changeLink(netlink, device.index, { up: true, mtuBytes: DEVICE_MTU_BYTES });
  return device.index;
}
