import { queryXdp } from '../../../src/linux/bpf/query.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import { type Descriptor, openSocket, SOCK } from '../../../src/linux/process/descriptor.ts';
import { AF } from '../../../src/linux/sockets/address-family.ts';
import type { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import type { RawSender } from '../../../src/linux/sockets/raw-socket.ts';
import { isFault } from '../../../src/net/fault.ts';
import { buildIpv4, PROTOCOL, parseIpv4Header } from '../../../src/net/headers/ipv4.ts';
import { buildTcp, parseTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { DIRECTOR, drain, receive, tcp, VIP } from './packets.ts';
import { type OpenOptions, RemotePlane } from './remote-plane.ts';
import { TABLE } from './table.ts';
import { TestNetwork } from './topology.ts';

/** A network with a plane that forwards by the table, and sockets to send and capture with. */
export class PlaneFixture implements AsyncDisposable {
  readonly network: TestNetwork;
  readonly instance: string;
  readonly client: RawSender;
  readonly atClient: PacketSocket;
  readonly atReal: PacketSocket;
  /** The cable of the director, from the router's end. */
  readonly atRouter: PacketSocket;
  plane: RemotePlane;
  #sink: Descriptor;

  private constructor(network: TestNetwork, plane: RemotePlane) {
    this.network = network;
    this.plane = plane;
    this.instance = instanceOf(network);
    this.client = network.sender('client');
    this.atClient = network.capture('client');
    this.atReal = network.capture('real');
    this.atRouter = network.capture('router', 'director');
    this.#sink = openSink(network);
  }

  static async build(): Promise<PlaneFixture> {
    const network = await TestNetwork.build();
    try {
      const plane = await RemotePlane.open(network.namespace('director'), instanceOf(network));
      const fixture = new PlaneFixture(network, plane);
      await plane.apply(TABLE);
      await fixture.untilResolved();
      return fixture;
    } catch (error) {
      network[Symbol.dispose]();
      throw error;
    }
  }

  async reopen(options: OpenOptions = {}): Promise<void> {
    this.plane = await RemotePlane.open(this.network.namespace('director'), this.instance, options);
  }

  /** Until packets go by the fast path: before the next hop is known they go by the slow one. */
  async untilResolved(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const before = (await this.plane.counters()).handedOver;
      this.client.send(tcp(30_000 + attempt), VIP);
      await receive(this.atReal, { protocol: PROTOCOL.ipip });
      if ((await this.plane.counters()).handedOver === before) return;
    }
    throw new Error('the fast path never learned the next hop');
  }

  /** Has the real refuse tunnel packets, as a host without decapsulation does, while `work` runs. */
  async whileRefusingTunnels(work: () => Promise<void>): Promise<void> {
    this.#sink.close();
    try {
      await work();
    } finally {
      this.#sink = openSink(this.network);
    }
  }

  /** Has the real accept the connections of checks, as a server behind the tunnel does, while `work` runs. */
  async whileAnsweringChecks(work: () => Promise<void>): Promise<void> {
    const real = this.network.sender('real');
    const capture = this.network.capture('real');
    const timer = setInterval(() => {
      for (const { packet, header } of drain(capture)) {
        const answer = header.protocol === PROTOCOL.ipip ? synAck(packet.subarray(20)) : undefined;
        if (answer !== undefined) real.send(answer, DIRECTOR);
      }
    }, 2);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
  }

  forgetCaptured(): void {
    for (const socket of [this.atClient, this.atReal, this.atRouter]) drain(socket);
  }

  programId(): number | undefined {
    const { index } = this.network.link('director');
    return inNamespace(this.network.namespace('director'), () => queryXdp(index))?.programId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.plane.kill();
    await this.reopen().then(
      () => this.plane.remove(),
      () => undefined,
    );
    this.#sink.close();
    this.network[Symbol.dispose]();
  }
}

/** A raw socket for tunnel packets, which nobody reads, keeps the real from answering each with an ICMP error. */
function openSink(network: TestNetwork): Descriptor {
  const kind = { domain: AF.inet, type: SOCK.raw, protocol: PROTOCOL.ipip };
  return inNamespace(network.namespace('real'), () => openSocket('sink of tunnel packets', kind));
}

/** What a server answers to the SYN of a check; undefined to anything else. */
function synAck(inner: Uint8Array): Uint8Array | undefined {
  const ip = parseIpv4Header(inner);
  if (isFault(ip) || ip.source !== DIRECTOR) return undefined;
  const syn = parseTcp(inner, ip.headerBytes);
  if (isFault(syn) || syn.flags !== TCP_FLAGS.syn) return undefined;
  const ends = { source: ip.destination, destination: ip.source };
  const segment = buildTcp({
    ...ends,
    sourcePort: syn.destinationPort,
    destinationPort: syn.sourcePort,
    sequence: 1000,
    acknowledgment: (syn.sequence + 1) >>> 0,
    flags: TCP_FLAGS.syn | TCP_FLAGS.ack,
  });
  return buildIpv4({ ...ends, protocol: PROTOCOL.tcp }, segment);
}

function instanceOf(network: TestNetwork): string {
  return `test-${network.id}`;
}
