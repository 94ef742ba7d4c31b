// The TCP connections and listeners of a simulated node.
import type { Port } from '../../../forwarding/forwarding-table.ts';
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import { transportChecksum } from '../../../net/checksum.ts';
import { buildIpv4, type Ipv4Header, PROTOCOL } from '../../../net/headers/ipv4.ts';
import { buildTcp, parseTcp, TCP_FLAGS, type TcpHeader, tcpMss } from '../../../net/headers/tcp.ts';
import type { IpStack } from '../network/ip-stack.ts';
import { type TcpAddresses, TcpConnection, type TcpListener } from './tcp-connection.ts';

/** Called with a new connection; gives the listener for it. */
export type AcceptHandler = (connection: () => TcpConnection) => TcpListener;

export interface ConnectOptions {
  readonly destination: Ipv4Address;
  readonly port: Port;
  readonly listener: TcpListener;
  readonly mark?: number;
}

const FIRST_EPHEMERAL_PORT = 32768;
const EPHEMERAL_PORTS = 28232;
const SEQUENCE_STEP = 0x1234_5671;

/** The TCP connections of one node. */
export class TcpStack {
  readonly #ip: IpStack;
  readonly #connections = new Map<string, TcpConnection>();
  readonly #listeners = new Map<Port, AcceptHandler>();
  #nextPort = 0;
  #nextSequence = 0x1000_0000;
  /** Segments with a wrong checksum or a malformed header. */
  malformed = 0;

  constructor(ip: IpStack) {
    this.#ip = ip;
    ip.handle(PROTOCOL.tcp, (packet, header) => this.#receive(packet, header));
  }

  /** Connections that are open or were a moment ago. */
  get size(): number {
    return this.#connections.size;
  }

  /** Accepts connections on the port at every address of the node. */
  listen(port: Port, accept: AcceptHandler): void {
    this.#listeners.set(port, accept);
  }

  /** Accepts no more: connections that are open stay, further ones are refused. */
  stopListening(port: Port): void {
    this.#listeners.delete(port);
  }

  connect({ destination, port, listener, mark }: ConnectOptions): TcpConnection {
    const local = this.#ip.sourceAddressFor(destination) ?? (0 as Ipv4Address);
    const addresses = { local, remote: destination, remotePort: port };
    return this.#open({ ...addresses, localPort: this.#freePort(addresses) }, listener, mark);
  }

  /** An ICMP error quotes a segment that this node sent. */
  icmpError(
    complaint: 'fragmentation-needed' | 'unreachable',
    addresses: TcpAddresses,
    sequence: number,
  ): void {
    this.#connections.get(keyOf(addresses))?.icmpError(complaint, sequence);
  }

  abortAll(): void {
    for (const connection of this.#connections.values()) connection.abort();
  }

  #open(
    addresses: TcpAddresses,
    listener: TcpListener,
    mark?: number,
    syn?: { header: TcpHeader; mss: number | undefined },
  ): TcpConnection {
    const key = keyOf(addresses);
    this.#nextSequence = (this.#nextSequence + SEQUENCE_STEP) >>> 0;
    let isReleased = false;
    let connection: TcpConnection | undefined;
    const release = (): void => {
      isReleased = true;
      if (this.#connections.get(key) === connection) this.#connections.delete(key);
    };
    connection = new TcpConnection(
      this.#ip,
      { ...addresses, initialSequence: this.#nextSequence, mark, listener, release },
      syn,
    );
    if (!isReleased) this.#connections.set(key, connection);
    return connection;
  }

  #receive(packet: Uint8Array, ip: Ipv4Header): void {
    const segment = packet.subarray(ip.headerBytes, ip.totalLength);
    const header = parseTcp(segment, 0);
    if (
      typeof header === 'string' ||
      transportChecksum(segment, ip.source, ip.destination, PROTOCOL.tcp) !== 0
    ) {
      this.malformed++;
      return;
    }
    const addresses: TcpAddresses = {
      local: ip.destination,
      localPort: header.destinationPort,
      remote: ip.source,
      remotePort: header.sourcePort,
    };
    const isSyn = (header.flags & (TCP_FLAGS.syn | TCP_FLAGS.ack | TCP_FLAGS.rst)) === TCP_FLAGS.syn;
    const known = this.#connections.get(keyOf(addresses));
    const mss = header.flags & TCP_FLAGS.syn ? tcpMss(segment, 0, header.headerBytes) : undefined;
    if (known !== undefined && !(known.isTimeWait && isSyn)) {
      known.receive(header, segment.subarray(header.headerBytes), mss);
    } else if (isSyn && this.#listeners.has(header.destinationPort)) {
      this.#accept(addresses, header, mss);
    } else {
      this.#refuse(addresses, header, segment.length - header.headerBytes);
    }
  }

  #accept(addresses: TcpAddresses, header: TcpHeader, mss: number | undefined): void {
    const accept = this.#listeners.get(header.destinationPort) as AcceptHandler;
    let connection: TcpConnection | undefined;
    const listener = accept(() => connection as TcpConnection);
    connection = this.#open(addresses, listener, undefined, { header, mss });
  }

  #refuse(addresses: TcpAddresses, header: TcpHeader, payloadBytes: number): void {
    if (header.flags & TCP_FLAGS.rst) return;
    const hasAck = (header.flags & TCP_FLAGS.ack) !== 0;
    const counted =
      payloadBytes + (header.flags & TCP_FLAGS.syn ? 1 : 0) + (header.flags & TCP_FLAGS.fin ? 1 : 0);
    const segment = buildTcp({
      source: addresses.local,
      destination: addresses.remote,
      sourcePort: addresses.localPort,
      destinationPort: addresses.remotePort,
      sequence: hasAck ? header.acknowledgment : 0,
      acknowledgment: hasAck ? 0 : (header.sequence + counted) >>> 0,
      flags: TCP_FLAGS.rst | (hasAck ? 0 : TCP_FLAGS.ack),
      window: 0,
    });
    const ends = { source: addresses.local, destination: addresses.remote };
    this.#ip.send(buildIpv4({ ...ends, protocol: PROTOCOL.tcp, dontFragment: true }, segment));
  }

  #freePort(addresses: Omit<TcpAddresses, 'localPort'>): Port {
    for (let tried = 0; tried < EPHEMERAL_PORTS; tried++) {
      const localPort = FIRST_EPHEMERAL_PORT + (this.#nextPort++ % EPHEMERAL_PORTS);
      if (!this.#connections.has(keyOf({ ...addresses, localPort }))) return localPort;
    }
    throw new RangeError('all local ports are in use');
  }
}

function keyOf({ local, localPort, remote, remotePort }: TcpAddresses): string {
  return `${local}:${localPort}-${remote}:${remotePort}`;
}
