import { randomBytes } from 'node:crypto';
import { setOffloads } from '../../../src/linux/devices/offload.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  runInNamespace,
} from '../../../src/linux/namespaces/netns.ts';
import { findLink, type Link } from '../../../src/linux/netlink/devices/link.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import { RawSender } from '../../../src/linux/sockets/raw-socket.ts';
import { writeSysctl } from '../../../src/linux/sysctl.ts';
import { PASS_OBJECT } from './topology.ts';

const NO_OFFLOADS = {
  tx: false,
  rx: false,
  gro: false,
  gso: false,
  tso: false,
  txvlan: false,
  rxvlan: false,
} as const;

/** Namespaces and the cables between them, as a test draws them; `director:eth0` is an end of a cable. */
export class WiredNetwork implements Disposable {
  readonly id: string = `${process.pid}${randomBytes(2).toString('hex')}`;
  readonly #disposables = new DisposableStack();

  namespace(host: string): string {
    return `cvw${this.id}-${host}`;
  }

  addHosts(...hosts: readonly string[]): void {
    for (const host of hosts) {
      const name = this.namespace(host);
      createNamespace(name);
      this.#disposables.defer(() => deleteNamespace(name));
      // Neither end of a cable asks who else has its addresses, nor for routers.
      this.sysctl(host, 'net/ipv6/conf/default/accept_dad', '0');
      this.sysctl(host, 'net/ipv6/conf/default/router_solicitations', '0');
    }
  }

  /** Both ends up; the far one takes what XDP sends at the near one. */
  async cable(near: string, far: string): Promise<void> {
    const [nearEnd, farEnd] = [this.#end(near), this.#end(far)];
    connectNamespaces(nearEnd, farEnd);
    for (const { namespace, name } of [nearEnd, farEnd]) await setOffloads(name, NO_OFFLOADS, namespace);
    await this.ip(far.split(':')[0] as string, `link set dev ${farEnd.name} xdp obj ${PASS_OBJECT} sec xdp`);
  }

  /** Runs `ip` on a host, once for each line. */
  async ip(host: string, ...lines: readonly string[]): Promise<void> {
    for (const line of lines) await runInNamespace(this.namespace(host), ['ip', ...line.split(' ')]);
  }

  sysctl(host: string, path: string, value: string): void {
    inNamespace(this.namespace(host), () => writeSysctl(path, value));
  }

  link(host: string, name = 'eth0'): Link {
    using socket = new NetlinkSocket(this.namespace(host));
    const link = findLink(socket, name);
    if (link === undefined) throw new Error(`${host} has no ${name}`);
    return link;
  }

  capture(host: string, name = 'eth0'): PacketSocket {
    const { index } = this.link(host, name);
    const open = (): PacketSocket => new PacketSocket(index, { receive: true });
    return this.#disposables.use(inNamespace(this.namespace(host), open));
  }

  sender(host: string): RawSender {
    return this.#disposables.use(inNamespace(this.namespace(host), () => new RawSender()));
  }

  [Symbol.dispose](): void {
    this.#disposables.dispose();
  }

  #end(end: string): { readonly namespace: string; readonly name: string } {
    const [host = '', name = ''] = end.split(':');
    return { namespace: this.namespace(host), name };
  }
}
