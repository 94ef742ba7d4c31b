import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Tunnel } from '../../../src/forwarding/forwarding-table.ts';
import { setOffloads } from '../../../src/linux/devices/offload.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  spawnInNamespace,
} from '../../../src/linux/namespaces/netns.ts';
import { addAddress } from '../../../src/linux/netlink/address.ts';
import { findLink, type Link } from '../../../src/linux/netlink/devices/link.ts';
import { replaceRoute } from '../../../src/linux/netlink/route.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import { familyOf, type IpAddress, ip } from '../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../../src/net/address/ipv6-address.ts';
import { multicastMac, solicitedNodeAddress } from '../../../src/net/address/ipv6-multicast.ts';
import { buildEthernet, ETHERTYPE } from '../../../src/net/headers/ethernet.ts';
import { PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import {
  buildNeighbourSolicitation,
  parseNeighbourAdvertisement,
} from '../../../src/net/headers/neighbour-discovery.ts';
import {
  type InstanceOptions,
  type RealServerOptions,
  serving,
  type VerifyOptions,
} from '../../../src/realserver/options.ts';
import { networkNamespace } from '../../../src/realserver/program/program-pins.ts';
import { CLIENT, CLIENT6, DIRECTOR, frame, REAL, REAL6, VIP, versionOf } from './tunnel-frames.ts';

export const INTERFACE = 'eth0';

/** Every VIP in the tunnel, unless `serves` says otherwise. */
export type Changed = Partial<RealServerOptions> & {
  readonly vips?: readonly IpAddress[];
  readonly tunnel?: Tunnel;
};

const ECHO_SERVER = fileURLToPath(new URL('echo-server.ts', import.meta.url));
const ROUTER = ipv4('10.0.3.1');

const ROUTER6 = ip('fd00:3::1') as Ipv6Address;
const ASKING_MAC = Uint8Array.of(2, 0, 0, 0, 0, 9);
const IPV6_CONFIGURED = ['all', 'default', 'lo', INTERFACE];
const PREFIX_LENGTH = { 4: 24, 6: 64 } as const;

/**
 *   wire (client and director in one)  10.0.3.1/24 ──── veth ──── 10.0.3.2/24  real, its default routes by 10.0.3.1
 *                                     fd00:3::1/64                fd00:3::2/64 and fd00:3::1
 */
export class RealHost implements Disposable {
  readonly wire: string;
  readonly real: string;
  readonly instance: string;
  readonly directory: string;
  readonly pins: string;
  readonly capture: PacketSocket;
  readonly realMac: Uint8Array;

  constructor(name: string) {
    const id = `${name}${process.pid}`;
    this.wire = `cvw${id}`;
    this.real = `cvr${id}`;
    this.instance = `cv.${id}`;
    this.directory = mkdtempSync(join(tmpdir(), 'culvert-realserver-'));
    createNamespace(this.wire);
    createNamespace(this.real);
    connectNamespaces({ namespace: this.wire, name: INTERFACE }, { namespace: this.real, name: INTERFACE });
    const ends = this.inside(() => ({ namespace: networkNamespace(), link: linkIndex() }));
    this.pins = join('/sys/fs/bpf/culvert', `realserver_${ends.namespace}_${ends.link}`);
    // The kernel gives the number of a network namespace that has gone to a new one, whose pins may still be there.
    rmSync(this.pins, { recursive: true, force: true });
    const wireLink = this.#configure(this.wire, [ROUTER, ROUTER6]);
    this.realMac = this.#configure(this.real, [REAL, REAL6]).mac;
    using socket = new NetlinkSocket(this.real);
    replaceRoute(socket, { destination: ipv4('0.0.0.0'), prefixLength: 0, gateway: ROUTER });
    replaceRoute(socket, { destination: ip('::'), prefixLength: 0, gateway: ROUTER6 });
    this.capture = inNamespace(this.wire, () => new PacketSocket(wireLink.index, { receive: true }));
  }

  /** Both ends up, and sending frames with finished checksums, which the offload leaves to hardware. */
  async ready(): Promise<this> {
    for (const namespace of [this.wire, this.real]) await setOffloads(INTERFACE, { tx: false }, namespace);
    while (!this.sh(`ip -o link show ${INTERFACE}`).includes('state UP')) await sleep(5);
    return this;
  }

  options({ vips = [VIP], tunnel = { type: 'ipip' }, ...changes }: Changed = {}): RealServerOptions {
    return {
      serves: serving(vips, [tunnel]),
      directors: [DIRECTOR],
      interface: INTERFACE,
      decapsulation: 'auto',
      mss: 'auto',
      stateDirectory: this.directory,
      instance: this.instance,
      ...changes,
    };
  }

  naming(): InstanceOptions {
    return { stateDirectory: this.directory, instance: this.instance };
  }

  verifyOptions({ ports = [], ...changes }: Changed & { ports?: readonly number[] } = {}): VerifyOptions {
    const { vips = [VIP] } = changes;
    const listeners = vips.flatMap((vip) => ports.map((port) => ({ vip, port })));
    return { ...this.options(changes), listeners };
  }

  /** Sends a frame to the real over the wire. */
  send(packet: Uint8Array): void {
    this.capture.send(frame(packet, this.realMac));
  }

  /** What comes from the real that `wanted` wants; undefined when none comes for as long. */
  async receive<T>(wanted: (frame: Uint8Array) => T | undefined, timeoutMs = 500): Promise<T | undefined> {
    for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(2)) {
      for (let got = this.capture.receive(); got !== undefined; got = this.capture.receive()) {
        const found = got.outgoing ? undefined : wanted(got.frame);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  /** Whether the answer of an echo server to a UDP packet comes back, all bytes of it, once `sent` is on the wire. */
  async echoes(packet: Uint8Array, sent: readonly Uint8Array[]): Promise<boolean> {
    for (const each of sent) this.send(each);
    const v6 = versionOf(packet) === 6;
    const headersBytes = v6 ? 48 : 28;
    const data = Buffer.from(packet.subarray(headersBytes));
    const answer = await this.receive((got) => {
      const echoed = Buffer.from(got.subarray(14 + headersBytes, 14 + packet.length));
      return got[14 + (v6 ? 6 : 9)] === PROTOCOL.udp && echoed.equals(data) ? true : undefined;
    });
    return answer ?? false;
  }

  /** Whether the real advertises itself as the neighbour that has the address, when everyone or it alone is asked. */
  async advertises(target: Ipv6Address, asked: 'everyone' | 'the real'): Promise<boolean> {
    const destination = asked === 'everyone' ? solicitedNodeAddress(target) : target;
    const mac = asked === 'everyone' ? multicastMac(destination) : this.realMac;
    const link = { source: ROUTER6, destination, target, sourceLinkAddress: ASKING_MAC };
    const header = { destination: mac, source: ASKING_MAC, etherType: ETHERTYPE.ipv6 };
    this.capture.send(buildEthernet(header, buildNeighbourSolicitation(link)));
    const found = await this.receive((got) => {
      const advertisement = parseNeighbourAdvertisement(got.subarray(14));
      return typeof advertisement !== 'string' && advertisement.target === target ? true : undefined;
    }, 300);
    return found ?? false;
  }

  inside<T>(work: () => T): T {
    return inNamespace(this.real, work);
  }

  sh(command: string): string {
    return execFileSync('nsenter', [`--net=/run/netns/${this.real}`, 'sh', '-c', command], {
      encoding: 'utf8',
      env: { ...process.env, PINS: this.pins },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Starts a server in the real, that is ready when it is returned. */
  async echoServer(address: string, port: number): Promise<ChildProcess> {
    const command = [process.execPath, ECHO_SERVER, address, `${port}`];
    const server = spawnInNamespace(this.real, command, { stdio: ['ignore', 'pipe', 'inherit'] });
    if (server.stdout !== null) await once(server.stdout, 'data');
    return server;
  }

  /** Everything that a set-up may touch, as text. */
  snapshot(): Record<string, string> {
    return {
      ...this.inside(() => readTree('/proc/sys/net/ipv4')),
      // A tunnel device that was up once keeps settings of IPv6.
      ...this.inside(() =>
        Object.assign({}, ...IPV6_CONFIGURED.map((name) => readTree(`/proc/sys/net/ipv6/conf/${name}`))),
      ),
      // A device that was up once keeps its queue.
      links: this.sh("ip -o link | sed 's/ qdisc [a-z]*//; s/ qlen [0-9]*//'"),
      // The link-local address comes when it likes.
      addresses: this.sh("ip -o addr | grep -v ' fe80:'"),
      routes: this.sh('ip -4 route show table all'),
      routes6: this.sh("ip -6 route show table all | grep -v 'fe80:\\|ff00:'"),
      nft: this.sh('nft list ruleset'),
      iptables: this.sh('iptables -t mangle -S'),
      ip6tables: this.sh('ip6tables -t mangle -S'),
      pins: existsSync(this.pins) ? readdirSync(this.pins).join(' ') : 'none',
      record: readdirSync(this.directory).join(' '),
    };
  }

  [Symbol.dispose](): void {
    this.capture.close();
    deleteNamespace(this.wire);
    deleteNamespace(this.real);
    rmSync(this.pins, { recursive: true, force: true });
    rmSync(this.directory, { recursive: true });
  }

  #configure(namespace: string, addresses: readonly IpAddress[]): Link {
    using socket = new NetlinkSocket(namespace);
    const link = findLink(socket, INTERFACE);
    if (link === undefined) throw new Error(`no ${INTERFACE} in ${namespace}`);
    for (const address of addresses) {
      const prefixLength = PREFIX_LENGTH[familyOf(address)];
      addAddress(socket, { ifIndex: link.index, address, prefixLength, noDad: true });
    }
    if (namespace === this.wire) {
      const ifIndex = findLink(socket, 'lo')?.index ?? 1;
      addAddress(socket, { ifIndex, address: CLIENT, prefixLength: 32 });
      addAddress(socket, { ifIndex, address: CLIENT6, prefixLength: 128, noDad: true });
    }
    return link;
  }
}

function linkIndex(): number {
  using socket = new NetlinkSocket();
  return findLink(socket, INTERFACE)?.index ?? 0;
}

/** What cannot be read (settings that can only be written) is left out. */
function readTree(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, name);
    if (statSync(path).isDirectory() || (statSync(path).mode & 0o400) === 0) continue;
    try {
      found[path] = readFileSync(path, 'utf8');
    } catch {
      found[path] = 'unreadable';
    }
  }
  return found;
}
