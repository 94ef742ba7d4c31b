// The network namespaces of the lab, and the cables between them.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openBpfObject } from '../../linux/bpf/object.ts';
import { type Offload, setOffloads } from '../../linux/devices/offload.ts';
import { inNamespace } from '../../linux/namespaces/namespace-thread.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  runInNamespace,
} from '../../linux/namespaces/netns.ts';
import { findLink } from '../../linux/netlink/devices/link.ts';
import { createVlan } from '../../linux/netlink/devices/vlan.ts';
import { NetlinkSocket } from '../../linux/netlink/socket.ts';
import { missingCapabilities } from '../../linux/process/capabilities.ts';
import { readSysctl, writeSysctl } from '../../linux/sysctl.ts';
import type { IpFamily } from '../../net/address/ip-address.ts';
import { LAB_VIPS } from '../lab-config.ts';

/*
 *   client 198.51.100.2 ── .1 ┐
 *                             │ router ── 10.0.0.1 ── 10.0.0.2 director      192.0.2.10 (VIP) is routed to it
 *   real1 10.0.1.2 ──── .1 ───┤
 *   real2 10.0.2.2 ──── .1 ───┤     every link has an MTU of 1500
 *   real3 10.0.3.2 ──── .1 ───┘
 *
 * Each is a network namespace. A host calls its end of the cable eth0; the router calls its end by the host's name.
 * Where IPv6 is wanted each network has a second prefix, 2001:db8:N::/64, with the same host numbers, and 2001:db8:10::10 is
 * the VIP. With `vlan` the director's addresses are on VLAN 100 of its cable.
 */
const HOSTS = {
  client: { 4: '198.51.100.', 6: '2001:db8:c::' },
  director: { 4: '10.0.0.', 6: '2001:db8:d::' },
  real1: { 4: '10.0.1.', 6: '2001:db8:1::' },
  real2: { 4: '10.0.2.', 6: '2001:db8:2::' },
  real3: { 4: '10.0.3.', 6: '2001:db8:3::' },
} as const;
const PREFIX_LENGTH = { 4: 24, 6: 64 } as const;
const VLAN_ID = 100;

export const HOST_INTERFACE = 'eth0';

export type HostName = keyof typeof HOSTS;
export type RealName = 'real1' | 'real2' | 'real3';
export const REAL_NAMES: readonly RealName[] = ['real1', 'real2', 'real3'];

const PASS_PROGRAM = fileURLToPath(new URL('../../../build/bpf/pass.bpf.o', import.meta.url));
/** Captures and the XDP programs are to see the frames that a wire would carry: nothing merged, checksums finished. */
const NO_OFFLOADS: Readonly<Record<Offload, boolean>> = {
  tx: false,
  rx: false,
  gro: false,
  gso: false,
  tso: false,
  txvlan: false,
  rxvlan: false,
};

export interface TopologyOptions {
  /** IPv6 beside IPv4. */
  readonly ipv6?: boolean;
  /** The director is reached by a VLAN of its cable, whose device is made on the interface that it serves. */
  readonly vlan?: boolean;
}

const NO_IPV6 = ['net/ipv6/conf/all/disable_ipv6', 'net/ipv6/conf/default/disable_ipv6'] as const;
const QUIET_IPV6 = [
  'net/ipv6/conf/default/router_solicitations',
  'net/ipv6/conf/default/accept_dad',
] as const;

/** The namespaces of one lab; `id` keeps several labs apart. */
export class Topology implements Disposable {
  readonly id: string;
  readonly #options: TopologyOptions;
  readonly #made: string[] = [];

  private constructor(id: string, options: TopologyOptions) {
    this.id = id;
    this.#options = options;
  }

  /** Builds it all, or takes down what was built and throws. */
  static async build(id: string, options: TopologyOptions = {}): Promise<Topology> {
    const topology = new Topology(id, options);
    try {
      await topology.#build();
      return topology;
    } catch (error) {
      topology[Symbol.dispose]();
      throw error;
    }
  }

  namespaceOf(host: HostName | 'router'): string {
    return `culvert-${this.id}-${host}`;
  }

  addressOf(host: HostName, family: IpFamily = 4): string {
    return `${HOSTS[host][family]}2`;
  }

  [Symbol.dispose](): void {
    for (const name of this.#made.splice(0).toReversed()) deleteNamespace(name);
  }

  async #build(): Promise<void> {
    const hosts = Object.keys(HOSTS) as HostName[];
    for (const host of ['router', ...hosts] as const) this.#namespace(this.namespaceOf(host));
    for (const host of hosts) await this.#cable(host);
    const router = this.namespaceOf('router');
    inNamespace(router, () => writeSysctl('net/ipv4/ip_forward', '1'));
    if (this.#options.ipv6 === true) {
      inNamespace(router, () => writeSysctl('net/ipv6/conf/all/forwarding', '1'));
    }
    for (const family of this.#families()) {
      const via = ['via', this.addressOf('director', family)];
      await runInNamespace(router, ['ip', 'route', 'add', LAB_VIPS[family], ...via]);
    }
    // Frames that the director sends by XDP arrive only where the receiving end of the veth runs a program, too.
    await runInNamespace(router, ['ip', 'link', 'set', 'director', 'xdp', 'obj', PASS_PROGRAM, 'sec', 'xdp']);
  }

  #namespace(name: string): void {
    createNamespace(name);
    this.#made.push(name);
    inNamespace(name, () => {
      // IPv6 router solicitations would only be noise in the captures.
      if (this.#options.ipv6 === true) QUIET_IPV6.forEach((path) => writeSysctl(path, '0'));
      else if (readSysctl(NO_IPV6[0]) !== undefined) NO_IPV6.forEach((path) => writeSysctl(path, '1'));
      // The figures of the mode are those without the 12 bytes of the timestamp option.
      writeSysctl('net/ipv4/tcp_timestamps', '0');
    });
  }

  async #cable(host: HostName): Promise<void> {
    const [near, far] = [this.namespaceOf(host), this.namespaceOf('router')];
    connectNamespaces({ namespace: near, name: HOST_INTERFACE }, { namespace: far, name: host });
    await setOffloads(HOST_INTERFACE, NO_OFFLOADS, near);
    await setOffloads(host, NO_OFFLOADS, far);
    const [own, routers] = this.#devices(host);
    for (const family of this.#families()) {
      const [net, length] = [HOSTS[host][family], PREFIX_LENGTH[family]];
      // Only IPv6 probes whether another host has an address.
      const atOnce = family === 6 ? ['nodad'] : [];
      await runInNamespace(near, ['ip', 'address', 'add', `${net}2/${length}`, 'dev', own, ...atOnce]);
      await runInNamespace(far, ['ip', 'address', 'add', `${net}1/${length}`, 'dev', routers, ...atOnce]);
      await runInNamespace(near, ['ip', 'route', 'add', 'default', 'via', `${net}1`]);
    }
  }

  /** Returns the device with a host's address, and the router's device on that cable. */
  #devices(host: HostName): readonly [own: string, routers: string] {
    if (host !== 'director' || this.#options.vlan !== true) return [HOST_INTERFACE, host];
    return [addVlan(this.namespaceOf(host), HOST_INTERFACE), addVlan(this.namespaceOf('router'), host)];
  }

  #families(): readonly IpFamily[] {
    return this.#options.ipv6 === true ? [4, 6] : [4];
  }
}

/** The name of the new device. */
function addVlan(namespace: string, parent: string): string {
  using socket = new NetlinkSocket(namespace);
  const name = `${parent}.${VLAN_ID}`;
  createVlan(socket, { name, parentIndex: findLink(socket, parent)?.index ?? 0, id: VLAN_ID, up: true });
  return name;
}

/** Returns why this process may not, or this kernel cannot, build the lab, in one line; undefined if it can. */
export function topologyObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  const [missing] = missingCapabilities();
  if (missing !== undefined) return `no ${missing}`;
  if (!existsSync(PASS_PROGRAM)) return 'the BPF programs are not built ("make bpf" needs clang)';
  const name = `culvert-${process.pid}-try`;
  try {
    createNamespace(name);
    deleteNamespace(name);
    openBpfObject(PASS_PROGRAM)[Symbol.dispose]();
    execFileSync('nsenter', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return message.split('\n', 1)[0];
  }
}
