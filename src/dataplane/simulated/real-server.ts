// A simulated real server: decapsulates, and serves HTTP.
import type { Port } from '../../forwarding/forwarding-table.ts';
import type { Ipv4Address } from '../../net/address/ipv4-address.ts';
import { PROTOCOL } from '../../net/headers/ipv4.ts';
import type { EventLoop } from './network/event-loop.ts';
import { Host } from './network/simulated-host.ts';
import { clampMss } from './transport/mss-clamp.ts';
import { HttpServer } from './transport/simulated-http-server.ts';

/**
 * A host that decapsulates, has VIPs and answers clients directly from them. Every part of its set-up can be broken and repaired:
 * the tunnel, a VIP, a server, the clamp.
 */
export class RealServer {
  readonly name: string;
  readonly address: Ipv4Address;
  readonly host: Host;
  readonly #vips = new Set<Ipv4Address>();
  readonly #servers = new Map<Port, HttpServer>();
  /** False: outer packets are dropped, as without tunl0. */
  isTunnelUp = true;
  /** The MSS limit for SYN-ACKs from VIPs; undefined if they are not clamped. */
  clampMss: number | undefined;

  constructor(loop: EventLoop, name: string, address: Ipv4Address) {
    this.name = name;
    this.address = address;
    this.host = new Host(loop);
    this.host.ip.handle(PROTOCOL.ipip, (packet, header) => {
      if (this.isTunnelUp) this.host.ip.deliver(packet.subarray(header.headerBytes, header.totalLength));
    });
    this.host.ip.egress = (packet) =>
      this.clampMss === undefined ? packet : clampMss(packet, this.#vips, this.clampMss);
  }

  addVip(vip: Ipv4Address): void {
    this.#vips.add(vip);
    this.host.ip.addAddress(vip);
  }

  removeVip(vip: Ipv4Address): void {
    this.#vips.delete(vip);
    this.host.ip.removeAddress(vip);
  }

  /** Starts the HTTP server of this port, the first time or again. */
  serveHttp(port: Port): void {
    const server = this.#servers.get(port) ?? new HttpServer(this.host.tcp, port, this.name);
    this.#servers.set(port, server);
    server.start();
  }

  killHttp(port: Port): void {
    this.#servers.get(port)?.kill();
  }

  /** Answers every datagram to this port with the server's name. */
  serveUdp(port: Port): void {
    this.host.udp.listen(port, (datagram) => {
      this.host.udp.send({
        source: datagram.destination,
        sourcePort: datagram.destinationPort,
        destination: datagram.source,
        destinationPort: datagram.sourcePort,
        payload: Buffer.from(this.name, 'latin1'),
      });
    });
  }

  /** Requests that its HTTP servers have answered. */
  get requests(): number {
    return [...this.#servers.values()].reduce((sum, server) => sum + server.requests, 0);
  }
}
