// The IP stack of a simulated node: routes, fragments, ICMP, hooks.
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import { readU16, writeU16 } from '../../../net/bytes.ts';
import { updateChecksum } from '../../../net/checksum.ts';
import { IPV4_AT, type Ipv4Header, ipv4ChecksumIsGood, parseIpv4Header } from '../../../net/headers/ipv4.ts';
import { ownBytes } from '../../../net/owned-bytes.ts';
import type { EventLoop } from './event-loop.ts';
import { fragmentIpv4, Reassembly } from './fragmentation.ts';
import { type IcmpComplaint, icmpError } from './icmp-error.ts';
import { RouteTable } from './routes.ts';
import type { LinkEnd } from './simulated-link.ts';

/** `too-big`: DF is set and the packet is longer than the path's MTU as far as it is known. */
export type SendResult = 'sent' | 'too-big' | 'no-route';

export type LocalHandler = (packet: Uint8Array, header: Ipv4Header) => void;

/** Takes packets before the stack handles them. Returns true if it has dealt with this one. */
export type IngressHook = (packet: Uint8Array, header: Ipv4Header) => boolean;

/** Changes packets that this node sends itself, or takes them (undefined). `mark` is the socket's. */
export type EgressHook = (packet: Uint8Array, mark: number | undefined) => Uint8Array | undefined;

/** Returns false for a forwarded packet that is to be dropped silently. */
export type ForwardFilter = (packet: Uint8Array, header: Ipv4Header) => boolean;

/** One of a node's interfaces, from `addInterface`. */
export interface Interface {
  readonly end: LinkEnd;
  readonly address: Ipv4Address;
}

/** The IP stack of every node: interfaces, routes, local delivery, and forwarding on routers. */
export class IpStack {
  readonly loop: EventLoop;
  readonly #interfaces: Interface[] = [];
  readonly #addresses = new Set<Ipv4Address>();
  readonly #routes = new RouteTable<Interface>();
  readonly #pathMtus = new Map<Ipv4Address, number>();
  readonly #handlers = new Map<number, LocalHandler>();
  readonly #reassembly = new Reassembly();
  isRouter = false;
  ingress: IngressHook | undefined;
  egress: EgressHook | undefined;
  forwardFilter: ForwardFilter | undefined;
  /** Packets that were malformed or had a wrong header checksum. */
  malformed = 0;

  constructor(loop: EventLoop) {
    this.loop = loop;
  }

  /** Takes this end of a link, with an address and a route for its subnet. */
  addInterface(end: LinkEnd, address: Ipv4Address, prefixBits: number): Interface {
    const added: Interface = { end, address };
    this.#interfaces.push(added);
    this.#addresses.add(address);
    this.#routes.add(address, prefixBits, added);
    end.attach((packet, from) => this.#receive(packet, from));
    return added;
  }

  /** Adds a route: packets for the network leave by this interface. */
  addRoute(network: Ipv4Address, prefixBits: number, out: Interface): void {
    this.#routes.add(network, prefixBits, out);
  }

  addAddress(address: Ipv4Address): void {
    this.#addresses.add(address);
  }

  removeAddress(address: Ipv4Address): void {
    this.#addresses.delete(address);
  }

  isLocal(address: Ipv4Address): boolean {
    return this.#addresses.has(address);
  }

  handle(protocol: number, handler: LocalHandler): void {
    this.#handlers.set(protocol, handler);
  }

  /** Returns the address from which packets to `destination` leave. */
  sourceAddressFor(destination: Ipv4Address): Ipv4Address | undefined {
    return this.#routes.find(destination)?.address;
  }

  pathMtu(destination: Ipv4Address): number {
    const link = this.#routes.find(destination)?.end.mtuBytes ?? 0;
    return Math.min(link, this.#pathMtus.get(destination) ?? link);
  }

  /** Notes the MTU that an ICMP error reports; returns true if it is new. */
  learnPathMtu(destination: Ipv4Address, mtuBytes: number): boolean {
    if (mtuBytes >= this.pathMtu(destination)) return false;
    this.#pathMtus.set(destination, mtuBytes);
    return true;
  }

  forgetPathMtus(): void {
    this.#pathMtus.clear();
  }

  /** Sends a packet of this node's own. */
  send(packet: Uint8Array, mark?: number): SendResult {
    const changed = this.egress === undefined ? packet : this.egress(packet, mark);
    return changed === undefined ? 'sent' : this.transmit(changed);
  }

  /** Sends a packet as it is, in fragments where it does not fit and may be fragmented. */
  transmit(packet: Uint8Array): SendResult {
    const header = parseIpv4Header(packet);
    if (typeof header === 'string') throw new RangeError(`cannot send a packet that is malformed: ${header}`);
    const out = this.#routes.find(header.destination);
    if (out === undefined) return 'no-route';
    const mtuBytes = this.pathMtu(header.destination);
    if (packet.length <= mtuBytes) {
      out.end.send(packet);
      return 'sent';
    }
    if (header.dontFragment) return 'too-big';
    for (const fragment of fragmentIpv4(packet, header, mtuBytes)) out.end.send(fragment);
    return 'sent';
  }

  /** Handles a packet as if it had arrived at this node. Tunnels do this with inner packets. */
  deliver(packet: Uint8Array): void {
    const header = this.#parse(packet);
    if (header !== undefined && this.#addresses.has(header.destination)) this.#deliverLocally(packet, header);
  }

  #receive(packet: Uint8Array, from: LinkEnd): void {
    const header = this.#parse(packet);
    if (header === undefined || this.ingress?.(packet, header)) return;
    if (this.#addresses.has(header.destination)) this.#deliverLocally(packet, header);
    else if (this.isRouter) this.#forward(packet, header, from);
  }

  #parse(packet: Uint8Array): Ipv4Header | undefined {
    const header = parseIpv4Header(packet);
    if (typeof header !== 'string' && ipv4ChecksumIsGood(packet, 0, header.headerBytes)) return header;
    this.malformed++;
    return undefined;
  }

  #deliverLocally(packet: Uint8Array, header: Ipv4Header): void {
    if (!header.moreFragments && header.fragmentOffsetBytes === 0) {
      this.#handlers.get(header.protocol)?.(packet, header);
      return;
    }
    const whole = this.#reassembly.add(packet, header, this.loop.nowMs);
    const wholeHeader = whole === undefined ? undefined : this.#parse(whole);
    if (whole === undefined || wholeHeader === undefined) return;
    this.#handlers.get(wholeHeader.protocol)?.(whole, wholeHeader);
  }

  #forward(packet: Uint8Array, header: Ipv4Header, from: LinkEnd): void {
    const complain = (complaint: IcmpComplaint): void => {
      const answerFrom = this.#interfaces.find(({ end }) => end === from)?.address;
      const error = answerFrom === undefined ? undefined : icmpError(packet, header, complaint, answerFrom);
      if (error !== undefined) this.send(error);
    };
    if (header.ttl <= 1) return complain({ kind: 'ttl-exceeded' });
    if (this.forwardFilter?.(packet, header) === false) return;
    const result = this.transmit(withDecrementedTtl(packet));
    if (result === 'no-route') complain({ kind: 'net-unreachable' });
    if (result === 'too-big') {
      complain({ kind: 'fragmentation-needed', mtuBytes: this.pathMtu(header.destination) });
    }
  }
}

function withDecrementedTtl(packet: Uint8Array): Uint8Array {
  const changed = ownBytes(packet);
  const before = readU16(changed, IPV4_AT.ttl);
  writeU16(changed, IPV4_AT.ttl, before - 0x100);
  const checksum = updateChecksum(readU16(changed, IPV4_AT.checksum), before, before - 0x100);
  writeU16(changed, IPV4_AT.checksum, checksum);
  return changed;
}
