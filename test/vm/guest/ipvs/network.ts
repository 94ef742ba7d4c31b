import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Offload, setOffloads } from '../../../../src/linux/devices/offload.ts';
import { inNamespace } from '../../../../src/linux/namespaces/namespace-thread.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
} from '../../../../src/linux/namespaces/netns.ts';
import { findLink } from '../../../../src/linux/netlink/devices/link.ts';
import { NetlinkSocket } from '../../../../src/linux/netlink/socket.ts';
import { PacketSocket } from '../../../../src/linux/sockets/packet-socket.ts';
import { writeSysctl } from '../../../../src/linux/sysctl.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { readU16 } from '../../../../src/net/bytes.ts';
import {
  buildEthernet,
  ETHERNET_HEADER_BYTES,
  ETHERTYPE,
  formatMac,
} from '../../../../src/net/headers/ethernet.ts';
import { buildIcmp, ICMP_TYPE } from '../../../../src/net/headers/icmp.ts';
import { buildIpv4, IPV4_AT, IPV4_HEADER_BYTES, PROTOCOL } from '../../../../src/net/headers/ipv4.ts';
import { DIRECTOR } from '../../../unit/forwarding/forwarder/fixture.ts';

const INTERFACE = 'eth0';
const ROUTER = '10.0.0.1';
const ETHERTYPE_AT = 12;
const ICMPV6 = 58;
/** Router and neighbour discovery, multicast listeners: the kernel's own talk. */
const ICMPV6_HOUSEKEEPING = { first: 130, last: 143 } as const;
const MARK = 0xc0de0000;
const ANSWER_LIMIT_MS = 20_000;
/** One frame is one packet: nothing merged, checksums finished. */
const NO_OFFLOADS: Readonly<Record<Offload, boolean>> = {
  tx: false,
  rx: false,
  gro: false,
  gso: false,
  tso: false,
  txvlan: false,
  rxvlan: false,
};
const ADDRESSES = [
  'address add 10.0.0.2/24 dev eth0',
  'address add 2001:db8:0:1::2/64 dev eth0 nodad',
  'address add 192.0.2.10/32 dev lo',
  'address add 2001:db8::10/128 dev lo nodad',
  // Any of these is a service's address.
  'route add local 192.0.2.0/24 dev lo',
  'route add local 2001:db8::/120 dev lo',
  `route add default via ${ROUTER}`,
  'route add default via 2001:db8:0:1::1',
];
/** Errors are wanted each time, not some per second, and without flow labels of a boot's own. */
const SETTINGS = {
  'net/ipv4/icmp_ratelimit': '0',
  'net/ipv4/icmp_msgs_per_sec': '100000',
  'net/ipv4/icmp_msgs_burst': '100000',
  'net/ipv6/icmp/ratelimit': '0',
  'net/ipv6/auto_flowlabels': '0',
};

/**
 *   wire (router, clients and reals in one)  10.0.0.1/24 ──── veth ──── 10.0.0.2/24  director, VIPs on its lo
 *                                    2001:db8:0:1::1/64                 2001:db8:0:1::2/64
 */
export class IpvsNetwork implements Disposable {
  static #opened = 0;
  readonly #name = `cvi${process.pid}n${IpvsNetwork.#opened++}`;
  readonly #wire = `${this.#name}w`;
  /** The namespace that has IPVS. */
  readonly director: string = `${this.#name}d`;
  #socket: PacketSocket | undefined;
  #macs: { readonly destination: Uint8Array; readonly source: Uint8Array } | undefined;
  #marks = 0;
  readonly #schedulers = new Map<string, boolean>();
  #timeouts = '';

  static async open(): Promise<IpvsNetwork> {
    const network = new IpvsNetwork();
    try {
      await network.#build();
      return network;
    } catch (error) {
      network[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * The IP packets that leave after these have come, in their order. What comes on a cable is handled in turn: when an
   * echo that was sent last is answered, all before it has been dealt with.
   */
  async exchange(packets: readonly Uint8Array[], paddingBytes = 0): Promise<Uint8Array[]> {
    this.#received();
    for (const packet of packets) this.#send(Buffer.concat([packet, new Uint8Array(paddingBytes)]));
    const mark = MARK + this.#marks++;
    this.#send(echo(mark));
    const left: Uint8Array[] = [];
    const deadline = Date.now() + ANSWER_LIMIT_MS;
    while (Date.now() < deadline) {
      const received = this.#received();
      const end = received.findIndex((packet) => isEchoReply(packet, mark));
      left.push(...received.slice(0, end < 0 ? undefined : end));
      if (end >= 0) return left;
      if (received.length === 0) await sleep(1);
    }
    throw new Error('the director does not answer an echo');
  }

  /** On the director; its standard output. */
  run(command: readonly string[], input = ''): string {
    const [program, ...parameters] = command as [string, ...string[]];
    return inNamespace(this.director, () => execFileSync(program, parameters, { input, encoding: 'utf8' }));
  }

  /** Loads a scheduler's module; false when this kernel has none. */
  hasScheduler(name: string): boolean {
    const known = this.#schedulers.get(name) ?? this.#loads(`ip_vs_${name}`);
    this.#schedulers.set(name, known);
    return known;
  }

  /** Seconds: TCP established, TCP FIN_WAIT, UDP. */
  setTimeouts(seconds: readonly [number, number, number]): void {
    const text = seconds.join(' ');
    if (text !== this.#timeouts) this.run(['ipvsadm', '--set', ...seconds.map(String)]);
    this.#timeouts = text;
  }

  /** A file of the director's /proc/net. */
  read(name: string): string {
    return inNamespace(this.director, () => readFileSync(`/proc/thread-self/net/${name}`, 'utf8'));
  }

  setSysctl(path: string, value: string): void {
    inNamespace(this.director, () => writeSysctl(path, value));
  }

  [Symbol.dispose](): void {
    this.#socket?.close();
    deleteNamespace(this.#wire);
    deleteNamespace(this.director);
  }

  #loads(module: string): boolean {
    try {
      this.run(['modprobe', '--quiet', module]);
      return true;
    } catch {
      return false;
    }
  }

  async #build(): Promise<void> {
    createNamespace(this.#wire);
    createNamespace(this.director);
    const wire = { namespace: this.#wire, name: INTERFACE };
    connectNamespaces(wire, { namespace: this.director, name: INTERFACE });
    for (const namespace of [this.#wire, this.director]) {
      await setOffloads(INTERFACE, NO_OFFLOADS, namespace);
    }
    const [source, destination] = [link(this.#wire), link(this.director)];
    // Otherwise the first packet would wait for its answer.
    const neighbours = [ROUTER, '2001:db8:0:1::1'].map(
      (address) =>
        `neighbour replace ${address} lladdr ${formatMac(source.mac)} dev ${INTERFACE} nud permanent`,
    );
    this.run(['ip', '-batch', '-'], [...ADDRESSES, ...neighbours, ''].join('\n'));
    this.run(['modprobe', 'ip_vs']);
    for (const [path, value] of Object.entries(SETTINGS)) this.#setIfThere(path, value);
    this.#macs = { source: source.mac, destination: destination.mac };
    this.#socket = inNamespace(this.#wire, () => new PacketSocket(source.index, { receive: true }));
  }

  /** Some are the whole machine's, and not seen in a namespace. */
  #setIfThere(path: string, value: string): void {
    try {
      this.setSysctl(path, value);
    } catch {
      writeSysctl(path, value);
    }
  }

  #send(packet: Uint8Array): void {
    if (this.#socket === undefined || this.#macs === undefined) throw new Error('the network is not built');
    const etherType = (packet[0] as number) >> 4 === 6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4;
    this.#socket.send(buildEthernet({ ...this.#macs, etherType }, packet));
  }

  #received(): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (let got = this.#socket?.receive(); got !== undefined; got = this.#socket?.receive()) {
      if (!got.outgoing && isOfInterest(got.frame)) packets.push(got.frame.subarray(ETHERNET_HEADER_BYTES));
    }
    return packets;
  }
}

function link(namespace: string): { readonly index: number; readonly mac: Uint8Array } {
  using socket = new NetlinkSocket(namespace);
  const found = findLink(socket, INTERFACE);
  if (found === undefined) throw new Error(`no ${INTERFACE} in ${namespace}`);
  return found;
}

function echo(mark: number): Uint8Array {
  const message = buildIcmp({ type: ICMP_TYPE.echoRequest, code: 0, rest: mark });
  return buildIpv4({ source: ipv4(ROUTER), destination: DIRECTOR, protocol: PROTOCOL.icmp }, message);
}

function isEchoReply(packet: Uint8Array, mark: number): boolean {
  const view = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
  return (
    view[0] === 0x45 &&
    view[IPV4_AT.protocol] === PROTOCOL.icmp &&
    view[IPV4_HEADER_BYTES] === ICMP_TYPE.echoReply &&
    view.readUInt32BE(IPV4_HEADER_BYTES + 4) === mark
  );
}

function isOfInterest(frame: Uint8Array): boolean {
  const etherType = readU16(frame, ETHERTYPE_AT);
  if (etherType === ETHERTYPE.ipv4) return true;
  if (etherType !== ETHERTYPE.ipv6) return false;
  const next = frame[ETHERNET_HEADER_BYTES + 6];
  const type = frame[ETHERNET_HEADER_BYTES + 40] as number;
  // A report of multicast listeners stands behind a hop-by-hop header.
  if (next === 0) return false;
  const { first, last } = ICMPV6_HOUSEKEEPING;
  return next !== ICMPV6 || type < first || type > last;
}
