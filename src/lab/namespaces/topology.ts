import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openBpfObject } from '../../linux/bpf/object.ts';
import { missingCapabilities } from '../../linux/capabilities.ts';
import { inNamespace } from '../../linux/namespace-thread.ts';
import { connectNamespaces, createNamespace, deleteNamespace, runInNamespace } from '../../linux/netns.ts';
import { type Offload, setOffloads } from '../../linux/offload.ts';
import { readSysctl, writeSysctl } from '../../linux/sysctl.ts';
import { LAB_VIP } from '../lab-config.ts';

/*
 *   client 198.51.100.2 ── .1 ┐
 *                             │ router ── 10.0.0.1 ── 10.0.0.2 director      192.0.2.10 (VIP) is routed to it
 *   real1 10.0.1.2 ──── .1 ───┤
 *   real2 10.0.2.2 ──── .1 ───┤     every link has an MTU of 1500
 *   real3 10.0.3.2 ──── .1 ───┘
 *
 * Each is a network namespace. A host calls its end of the cable eth0; the router calls its end by the host's name.
 */
const HOSTS = {
  client: { address: '198.51.100.2', gateway: '198.51.100.1' },
  director: { address: '10.0.0.2', gateway: '10.0.0.1' },
  real1: { address: '10.0.1.2', gateway: '10.0.1.1' },
  real2: { address: '10.0.2.2', gateway: '10.0.2.1' },
  real3: { address: '10.0.3.2', gateway: '10.0.3.1' },
} as const;

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

/** The namespaces of one lab; `id` keeps several labs apart. */
export class Topology implements Disposable {
  readonly id: string;
  readonly #made: string[] = [];

  private constructor(id: string) {
    this.id = id;
  }

  /** Builds it all, or takes down what was built and throws. */
  static async build(id: string): Promise<Topology> {
    const topology = new Topology(id);
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

  addressOf(host: HostName): string {
    return HOSTS[host].address;
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
    await runInNamespace(router, ['ip', 'route', 'add', `${LAB_VIP}/32`, 'via', HOSTS.director.address]);
    // What the director sends by XDP arrives only where the receiving end of the veth runs a program, too.
    await runInNamespace(router, ['ip', 'link', 'set', 'director', 'xdp', 'obj', PASS_PROGRAM, 'sec', 'xdp']);
  }

  #namespace(name: string): void {
    createNamespace(name);
    this.#made.push(name);
    inNamespace(name, () => {
      // IPv6 router solicitations would only be noise in the captures.
      if (readSysctl('net/ipv6/conf/all/disable_ipv6') !== undefined) {
        writeSysctl('net/ipv6/conf/all/disable_ipv6', '1');
        writeSysctl('net/ipv6/conf/default/disable_ipv6', '1');
      }
      // The figures of the mode are those without the 12 bytes of the timestamp option.
      writeSysctl('net/ipv4/tcp_timestamps', '0');
    });
  }

  async #cable(host: HostName): Promise<void> {
    const [near, far] = [this.namespaceOf(host), this.namespaceOf('router')];
    connectNamespaces({ namespace: near, name: HOST_INTERFACE }, { namespace: far, name: host });
    await setOffloads(HOST_INTERFACE, NO_OFFLOADS, near);
    await setOffloads(host, NO_OFFLOADS, far);
    const { address, gateway } = HOSTS[host];
    await runInNamespace(near, ['ip', 'address', 'add', `${address}/24`, 'dev', HOST_INTERFACE]);
    await runInNamespace(far, ['ip', 'address', 'add', `${gateway}/24`, 'dev', host]);
    await runInNamespace(near, ['ip', 'route', 'add', 'default', 'via', gateway]);
  }
}

/** Whether this process may and this kernel can build the lab; if not, why, in one line. */
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
