// The UDP ports of a simulated node.
import type { Port } from '../../../forwarding/forwarding-table.ts';
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import { transportChecksum } from '../../../net/checksum.ts';
import { buildIpv4, type Ipv4Header, PROTOCOL } from '../../../net/headers/ipv4.ts';
import { buildUdp, parseUdp } from '../../../net/headers/udp.ts';
import { icmpError } from '../network/icmp-error.ts';
import type { IpStack, SendResult } from '../network/ip-stack.ts';

export interface Datagram {
  readonly source: Ipv4Address;
  readonly sourcePort: Port;
  readonly destination: Ipv4Address;
  readonly destinationPort: Port;
  readonly payload: Uint8Array;
}

const FIRST_EPHEMERAL_PORT = 32768;
const EPHEMERAL_PORTS = 28232;

/** The UDP ports of one node. Datagrams have DF clear, so that they are fragmented where they do not fit. */
export class UdpStack {
  readonly #ip: IpStack;
  readonly #handlers = new Map<Port, (datagram: Datagram) => void>();
  readonly #unreachable = new Map<Port, () => void>();
  #nextPort = 0;
  #id = 0;

  constructor(ip: IpStack) {
    this.#ip = ip;
    ip.handle(PROTOCOL.udp, (packet, header) => this.#receive(packet, header));
  }

  listen(port: Port, handler: (datagram: Datagram) => void): void {
    this.#handlers.set(port, handler);
  }

  /** A port of its own that hears datagrams, and ICMP errors about those that it sent, until it is closed. */
  open(handler: (datagram: Datagram) => void, unreachable: () => void): Port {
    for (let tried = 0; tried < EPHEMERAL_PORTS; tried++) {
      const port = FIRST_EPHEMERAL_PORT + (this.#nextPort++ % EPHEMERAL_PORTS);
      if (this.#handlers.has(port)) continue;
      this.#handlers.set(port, handler);
      this.#unreachable.set(port, unreachable);
      return port;
    }
    throw new RangeError('all local ports are in use');
  }

  close(port: Port): void {
    this.#handlers.delete(port);
    this.#unreachable.delete(port);
  }

  /** An ICMP error quotes a datagram that was sent from this port. */
  icmpError(port: Port): void {
    this.#unreachable.get(port)?.();
  }

  send(datagram: Datagram, mark?: number): SendResult {
    this.#id = (this.#id % 0xffff) + 1;
    const { source, destination } = datagram;
    const packet = buildIpv4(
      { source, destination, protocol: PROTOCOL.udp, id: this.#id },
      buildUdp(datagram),
    );
    return this.#ip.send(packet, mark);
  }

  #receive(packet: Uint8Array, ip: Ipv4Header): void {
    const bytes = packet.subarray(ip.headerBytes, ip.totalLength);
    const header = parseUdp(bytes, 0);
    if (typeof header === 'string') return;
    const isGood =
      header.checksum === 0 || transportChecksum(bytes, ip.source, ip.destination, PROTOCOL.udp) === 0;
    if (!isGood) return;
    const handler = this.#handlers.get(header.destinationPort);
    if (handler === undefined) {
      const error = icmpError(packet, ip, { kind: 'port-unreachable' }, ip.destination);
      if (error !== undefined) this.#ip.send(error);
      return;
    }
    handler({
      source: ip.source,
      sourcePort: header.sourcePort,
      destination: ip.destination,
      destinationPort: header.destinationPort,
      payload: bytes.subarray(8, header.length),
    });
  }
}
