// The network of the lab, simulated.
import type { ServiceKey } from '../../../forwarding/forwarding-table.ts';
import { onlyIpv4 } from '../../../net/address/ip-address.ts';
import { type Ipv4Address, ipv4 } from '../../../net/address/ipv4-address.ts';
import { RealServer } from '../real-server.ts';
import { Capture } from './capture.ts';
import type { EventLoop } from './event-loop.ts';
import type { Interface, IpStack } from './ip-stack.ts';
import { Router } from './router.ts';
import { Host } from './simulated-host.ts';
import { Link, type LinkOptions } from './simulated-link.ts';

/** The addresses of the lab, in namespaces and simulated. */
export const LAB: LabAddresses = {
  client: ipv4('198.51.100.2'),
  director: ipv4('10.0.0.2'),
  reals: [ipv4('10.0.1.2'), ipv4('10.0.2.2'), ipv4('10.0.3.2')],
  vip: ipv4('192.0.2.10'),
};

export interface LabAddresses {
  readonly client: Ipv4Address;
  readonly director: Ipv4Address;
  readonly reals: readonly Ipv4Address[];
  readonly vip: Ipv4Address;
}

export type CapturePoint = 'client' | 'director' | 'real';

const ANYWHERE = 0 as Ipv4Address;

/**
 * Client, director and reals around one router, each in a subnet of its own:
 *
 *     client ── router ── director
 *                 ├────── real1
 *                 └────── real2 ...
 *
 * The router sends what is for a VIP to the director; reals answer clients by the router.
 */
export class Topology {
  readonly loop: EventLoop;
  readonly client: Host;
  readonly clientAddress: Ipv4Address = LAB.client;
  readonly director: Host;
  readonly directorAddress: Ipv4Address = LAB.director;
  readonly router: Router;
  readonly #link: Partial<LinkOptions>;
  readonly #reals = new Map<Ipv4Address, { readonly real: RealServer; readonly link: Link }>();
  readonly #clientLink: Link;
  readonly #directorLink: Link;
  readonly #toDirector: Interface;

  constructor(loop: EventLoop, link: Partial<LinkOptions> = {}) {
    this.loop = loop;
    this.#link = link;
    this.router = new Router(loop);
    this.client = new Host(loop);
    this.director = new Host(loop);
    this.#clientLink = this.#connect(this.client.ip, this.clientAddress, link).link;
    const director = this.#connect(this.director.ip, this.directorAddress, link);
    this.#directorLink = director.link;
    this.#toDirector = director.fromRouter;
  }

  get reals(): readonly RealServer[] {
    return [...this.#reals.values()].map(({ real }) => real);
  }

  real(address: Ipv4Address): RealServer | undefined {
    return this.#reals.get(address)?.real;
  }

  /** A real server on a link of its own, by default with the MTU of the others. */
  addReal(address: Ipv4Address, name: string, link: Partial<LinkOptions> = {}): RealServer {
    const real = new RealServer(this.loop, name, address);
    const connected = this.#connect(real.host.ip, address, { ...this.#link, ...link });
    this.#reals.set(address, { real, link: connected.link });
    return real;
  }

  /** Has the router send what is for the VIP to the director. */
  routeVip(vip: Ipv4Address): void {
    this.router.ip.addRoute(vip, 32, this.#toDirector);
  }

  /**
   * Provides everything that a service needs to be reached: its VIP routed, and its reals with the VIP and a server on the port.
   */
  provide(key: ServiceKey, reals: readonly Ipv4Address[]): void {
    this.routeVip(onlyIpv4(key.vip));
    for (const address of reals) {
      const real = this.real(address) ?? this.addReal(address, `real${this.#reals.size + 1}`);
      real.addVip(onlyIpv4(key.vip));
      if (key.protocol === 'tcp') real.serveHttp(key.port);
      else real.serveUdp(key.port);
    }
  }

  /** Unplugs a node's cable, or plugs it in again. */
  setLink(node: 'client' | 'director' | Ipv4Address, isUp: boolean): void {
    this.#linkOf(node).isUp = isUp;
  }

  /** Records what passes at the client, the director and every real. */
  capture(): Capture<CapturePoint> {
    const reals = [...this.#reals.values()].map(({ link }) => ({
      point: 'real' as const,
      end: link.ends[0],
    }));
    return new Capture<CapturePoint>([
      { point: 'client', end: this.#clientLink.ends[0] },
      { point: 'director', end: this.#directorLink.ends[0] },
      ...reals,
    ]);
  }

  #linkOf(node: 'client' | 'director' | Ipv4Address): Link {
    if (node === 'client') return this.#clientLink;
    if (node === 'director') return this.#directorLink;
    const found = this.#reals.get(node);
    if (found === undefined) throw new RangeError('no such real');
    return found.link;
  }

  #connect(node: IpStack, address: Ipv4Address, options: Partial<LinkOptions>): Connected {
    const link = new Link(this.loop, options);
    const fromNode = node.addInterface(link.ends[0], address, 32);
    node.addRoute(ANYWHERE, 0, fromNode);
    const fromRouter = this.router.ip.addInterface(link.ends[1], gatewayOf(address), 32);
    this.router.ip.addRoute(address, 32, fromRouter);
    return { link, fromRouter };
  }
}

interface Connected {
  readonly link: Link;
  readonly fromRouter: Interface;
}

/** The router's address in the node's /24: .1, or .254 where the node itself has that. */
function gatewayOf(address: Ipv4Address): Ipv4Address {
  const subnet = address & ~0xff;
  return ((subnet | (address === (subnet | 1) >>> 0 ? 254 : 1)) >>> 0) as Ipv4Address;
}

/** The lab: three reals that serve HTTP on port 80 of the VIP and name themselves. */
export function labTopology(loop: EventLoop, link: Partial<LinkOptions> = {}): Topology {
  const topology = new Topology(loop, link);
  topology.provide({ vip: LAB.vip, protocol: 'tcp', port: 80 }, LAB.reals);
  return topology;
}
