import { setTimeout as sleep } from 'node:timers/promises';
import type { ForwardingTable, Service } from '../../../../src/forwarding/table.ts';
import { inNamespace } from '../../../../src/linux/namespace-thread.ts';
import { findLink } from '../../../../src/linux/netlink/link.ts';
import { NetlinkSocket } from '../../../../src/linux/netlink/socket.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  runInNamespace,
} from '../../../../src/linux/netns.ts';
import { type Offload, setOffloads } from '../../../../src/linux/offload.ts';
import { PacketSocket } from '../../../../src/linux/packet-socket.ts';
import { buildEthernet, ETHERNET_HEADER_BYTES, ETHERTYPE, formatMac } from '../../../../src/net/ethernet.ts';
import { formatEndpoint, formatIp } from '../../../../src/net/ip-address.ts';
import { DIRECTOR, VIP } from '../../../unit/forwarder/fixture.ts';

const INTERFACE = 'eth0';
const ROUTER = '10.0.0.1';
const ETHERTYPE_AT = 12;
/** What the kernel has not sent by then it does not send. */
const SILENCE_MS = 150;
/** One frame is one packet: nothing merged, checksums finished. */
const NO_OFFLOADS: Readonly<Record<Offload, boolean>> = {
  tx: false,
  rx: false,
  gro: false,
  gso: false,
  tso: false,
};

/**
 *   wire (router, client and reals in one)  10.0.0.1/24 ──── veth ──── 10.0.0.2/24  director, IPVS, VIP on its lo
 *
 * Kernel IPVS with the services of a table, in TUN mode, and the wire beside it.
 */
export class KernelDirector implements Disposable {
  readonly #wire = `cvi${process.pid}w`;
  readonly #director = `cvi${process.pid}d`;
  #socket: PacketSocket | undefined;
  #macs: { readonly destination: Uint8Array; readonly source: Uint8Array } | undefined;

  static async open(table: ForwardingTable): Promise<KernelDirector> {
    const director = new KernelDirector();
    try {
      await director.#build();
      for (const service of table.services) await director.#addService(service);
      return director;
    } catch (error) {
      director[Symbol.dispose]();
      throw error;
    }
  }

  /** The IPv4 packets that leave after these have come, in their order. */
  async forward(packets: readonly Uint8Array[], paddingBytes = 0): Promise<Uint8Array[]> {
    if (this.#socket === undefined || this.#macs === undefined) throw new Error('the director is not built');
    this.#received();
    for (const packet of packets) {
      const padded = Buffer.concat([packet, new Uint8Array(paddingBytes)]);
      this.#socket.send(buildEthernet({ ...this.#macs, etherType: ETHERTYPE.ipv4 }, padded));
    }
    const left = this.#received();
    for (let last = Date.now(); Date.now() < last + SILENCE_MS; await sleep(10)) {
      const more = this.#received();
      if (more.length > 0) last = Date.now();
      left.push(...more);
    }
    return left;
  }

  [Symbol.dispose](): void {
    this.#socket?.close();
    deleteNamespace(this.#wire);
    deleteNamespace(this.#director);
  }

  async #build(): Promise<void> {
    createNamespace(this.#wire);
    createNamespace(this.#director);
    const wire = { namespace: this.#wire, name: INTERFACE };
    connectNamespaces(wire, { namespace: this.#director, name: INTERFACE });
    for (const namespace of [this.#wire, this.#director]) {
      await setOffloads(INTERFACE, NO_OFFLOADS, namespace);
    }
    await runInNamespace(this.#wire, ['ip', 'address', 'add', `${ROUTER}/24`, 'dev', INTERFACE]);
    await this.#run('ip', 'address', 'add', `${formatIp(DIRECTOR)}/24`, 'dev', INTERFACE);
    await this.#run('ip', 'address', 'add', `${formatIp(VIP)}/32`, 'dev', 'lo');
    await this.#run('ip', 'route', 'add', 'default', 'via', ROUTER);
    const [source, destination] = [link(this.#wire), link(this.#director)];
    // Otherwise the first packet would wait for ARP.
    const neighbour = ['ip', 'neighbour', 'replace', ROUTER, 'lladdr', formatMac(source.mac)];
    await this.#run(...neighbour, 'dev', INTERFACE, 'nud', 'permanent');
    this.#macs = { source: source.mac, destination: destination.mac };
    this.#socket = inNamespace(this.#wire, () => new PacketSocket(source.index, { receive: true }));
  }

  async #addService({ vip, protocol, port, scheduler, reals }: Service): Promise<void> {
    const service = [protocol === 'tcp' ? '-t' : '-u', formatEndpoint(vip, port)];
    await this.#run('ipvsadm', '-A', ...service, '-s', scheduler);
    for (const { address, weight } of reals) {
      const real = ['-r', formatIp(address), '-i', '-w', `${weight}`];
      await this.#run('ipvsadm', '-a', ...service, ...real);
    }
  }

  async #run(...command: readonly string[]): Promise<void> {
    await runInNamespace(this.#director, command);
  }

  #received(): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (let got = this.#socket?.receive(); got !== undefined; got = this.#socket?.receive()) {
      if (!got.outgoing && isIpv4(got.frame)) packets.push(got.frame.subarray(ETHERNET_HEADER_BYTES));
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

function isIpv4(frame: Uint8Array): boolean {
  return frame[ETHERTYPE_AT] === ETHERTYPE.ipv4 >> 8 && frame[ETHERTYPE_AT + 1] === (ETHERTYPE.ipv4 & 255);
}
