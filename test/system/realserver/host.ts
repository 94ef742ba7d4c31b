import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inNamespace } from '../../../src/linux/namespace-thread.ts';
import { addAddress } from '../../../src/linux/netlink/address.ts';
import { findLink, type Link } from '../../../src/linux/netlink/link.ts';
import { replaceRoute } from '../../../src/linux/netlink/route.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  spawnInNamespace,
} from '../../../src/linux/netns.ts';
import { setOffloads } from '../../../src/linux/offload.ts';
import { PacketSocket } from '../../../src/linux/packet-socket.ts';
import { type Ipv4Address, ipv4 } from '../../../src/net/ipv4-address.ts';
import type { RealServerOptions } from '../../../src/realserver/options.ts';
import { CLIENT, DIRECTOR, frame, REAL, VIP } from './tunnel-frames.ts';

export const INTERFACE = 'eth0';
const ECHO_SERVER = fileURLToPath(new URL('echo-server.ts', import.meta.url));
const ROUTER = ipv4('10.0.3.1');

/**
 *   wire (client and director in one)  10.0.3.1/24 ──── veth ──── 10.0.3.2/24  real, its default route by 10.0.3.1
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
    this.pins = join('/sys/fs/bpf/culvert', this.instance.replace('.', '_'));
    this.directory = mkdtempSync(join(tmpdir(), 'culvert-realserver-'));
    createNamespace(this.wire);
    createNamespace(this.real);
    connectNamespaces({ namespace: this.wire, name: INTERFACE }, { namespace: this.real, name: INTERFACE });
    const wireLink = this.#configure(this.wire, ROUTER);
    this.realMac = this.#configure(this.real, REAL).mac;
    using socket = new NetlinkSocket(this.real);
    replaceRoute(socket, { destination: ipv4('0.0.0.0'), prefixLength: 0, gateway: ROUTER });
    this.capture = inNamespace(this.wire, () => new PacketSocket(wireLink.index, { receive: true }));
  }

  /** Both ends up, and sending frames with finished checksums, which the offload leaves to hardware. */
  async ready(): Promise<this> {
    for (const namespace of [this.wire, this.real]) await setOffloads(INTERFACE, { tx: false }, namespace);
    while (!this.sh(`ip -o link show ${INTERFACE}`).includes('state UP')) await sleep(5);
    return this;
  }

  options(changes: Partial<RealServerOptions> = {}): RealServerOptions {
    return {
      vips: [VIP],
      directors: [DIRECTOR],
      interface: INTERFACE,
      tunnel: { type: 'ipip' },
      decapsulation: 'auto',
      mss: 'auto',
      stateDirectory: this.directory,
      instance: this.instance,
      ...changes,
    };
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
      // A device that was up once keeps its queue.
      links: this.sh("ip -o link | sed 's/ qdisc [a-z]*//; s/ qlen [0-9]*//'"),
      addresses: this.sh('ip -o -4 addr'),
      routes: this.sh('ip -4 route show table all'),
      nft: this.sh('nft list ruleset'),
      iptables: this.sh('iptables -t mangle -S'),
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

  #configure(namespace: string, address: Ipv4Address): Link {
    using socket = new NetlinkSocket(namespace);
    const link = findLink(socket, INTERFACE);
    if (link === undefined) throw new Error(`no ${INTERFACE} in ${namespace}`);
    addAddress(socket, { ifIndex: link.index, address, prefixLength: 24 });
    if (namespace === this.wire) {
      const loopback = findLink(socket, 'lo')?.index ?? 1;
      addAddress(socket, { ifIndex: loopback, address: CLIENT, prefixLength: 32 });
    }
    return link;
  }
}

/** What cannot be read (settings that can only be written) is left out. */
function readTree(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, name);
    if (statSync(path).isDirectory() || (statSync(path).mode & 0o400) === 0) continue;
    try {
      found[name] = readFileSync(path, 'utf8');
    } catch {
      found[name] = 'unreadable';
    }
  }
  return found;
}
