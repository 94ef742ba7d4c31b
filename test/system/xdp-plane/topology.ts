import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { setOffloads } from '../../../src/linux/devices/offload.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  runInNamespace,
} from '../../../src/linux/namespaces/netns.ts';
import { addAddress } from '../../../src/linux/netlink/address.ts';
import { findLink, type Link } from '../../../src/linux/netlink/devices/link.ts';
import { replaceRoute } from '../../../src/linux/netlink/route.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import { RawSender } from '../../../src/linux/sockets/raw-socket.ts';
import { writeSysctl } from '../../../src/linux/sysctl.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';

/*
 *   client 198.51.100.2 ── .1 ┐
 *                             ├ router ── 10.0.0.1 ── 10.0.0.2 director    192.0.2.0/24 (VIPs) is routed to it
 *   real      10.0.1.2 ─── .1 ┘
 *
 * A host calls its end of the cable eth0; the router calls its end by the host's name.
 */
const HOSTS = {
  client: { address: '198.51.100.2', gateway: '198.51.100.1' },
  director: { address: '10.0.0.2', gateway: '10.0.0.1' },
  real: { address: '10.0.1.2', gateway: '10.0.1.1' },
} as const;
export const PASS_OBJECT: string = fileURLToPath(new URL('../../../build/bpf/pass.bpf.o', import.meta.url));
const NO_OFFLOADS = { tx: false, rx: false, gro: false, gso: false, tso: false } as const;

export type HostName = keyof typeof HOSTS;

export class TestNetwork implements Disposable {
  readonly id: string = `${process.pid}${randomBytes(2).toString('hex')}`;
  readonly #disposables = new DisposableStack();

  static async build(): Promise<TestNetwork> {
    const network = new TestNetwork();
    try {
      await network.#build();
      return network;
    } catch (error) {
      network[Symbol.dispose]();
      throw error;
    }
  }

  namespace(name: HostName | 'router'): string {
    return `cvt${this.id}-${name}`;
  }

  link(name: HostName | 'router', interfaceName = 'eth0'): Link {
    using socket = new NetlinkSocket(this.namespace(name));
    const link = findLink(socket, interfaceName);
    if (link === undefined) throw new Error(`${name} has no ${interfaceName}`);
    return link;
  }

  /** Frames that come to a host's interface, or leave it. */
  capture(name: HostName | 'router', interfaceName = 'eth0'): PacketSocket {
    const { index } = this.link(name, interfaceName);
    const open = (): PacketSocket => new PacketSocket(index, { receive: true });
    return this.#disposables.use(inNamespace(this.namespace(name), open));
  }

  sender(name: HostName): RawSender {
    return this.#disposables.use(inNamespace(this.namespace(name), () => new RawSender()));
  }

  [Symbol.dispose](): void {
    this.#disposables.dispose();
  }

  async #build(): Promise<void> {
    for (const name of ['router', ...Object.keys(HOSTS)] as (HostName | 'router')[]) {
      const namespace = this.namespace(name);
      createNamespace(namespace);
      this.#disposables.defer(() => deleteNamespace(namespace));
    }
    const router = this.namespace('router');
    inNamespace(router, () => writeSysctl('net/ipv4/ip_forward', '1'));
    for (const name of Object.keys(HOSTS) as HostName[]) {
      const namespace = this.namespace(name);
      connectNamespaces({ namespace, name: 'eth0' }, { namespace: router, name });
      await setOffloads('eth0', NO_OFFLOADS, namespace);
      await setOffloads(name, NO_OFFLOADS, router);
      // What XDP_TX puts on a veth device waits until something else wakes the other end, unless that has an XDP
      // program too (veth_xdp_flush in drivers/net/veth.c); that it polls for GRO is not enough.
      const xdp = ['link', 'set', 'dev', name, 'xdp', 'obj', PASS_OBJECT, 'sec', 'xdp'];
      await runInNamespace(router, ['ip', ...xdp]);
      this.#address(name, 'eth0', HOSTS[name].address, HOSTS[name].gateway);
      this.#address('router', name, HOSTS[name].gateway);
    }
    using socket = new NetlinkSocket(router);
    const vips = { destination: ipv4('192.0.2.0'), prefixLength: 24 };
    replaceRoute(socket, { ...vips, gateway: ipv4(HOSTS.director.address) });
  }

  #address(host: HostName | 'router', interfaceName: string, address: string, gateway?: string): void {
    using socket = new NetlinkSocket(this.namespace(host));
    const { index } = this.link(host, interfaceName);
    addAddress(socket, { ifIndex: index, address: ipv4(address), prefixLength: 24 });
    if (gateway === undefined) return;
    replaceRoute(socket, { destination: ipv4('0.0.0.0'), prefixLength: 0, gateway: ipv4(gateway) });
  }
}
