import type { Ipv4Address } from '../net/ipv4-address.ts';

/** What there is on this host, as far as it matters to a real server. */
export interface RealServerFacts {
  /** The interface named; undefined when there is none of that name. */
  readonly link: LinkFacts | undefined;
  readonly loopback: LinkFacts | undefined;
  /** The kernel's ipip device; `tunl0`, or the first other one that takes packets from anywhere. */
  readonly tunnel: LinkFacts | undefined;
  /** Whether a tunnel device could be had: the kernel has ipip, or a module to load. */
  readonly kernelIpip: 'present' | 'loadable' | 'absent';
  readonly addresses: readonly AddressFacts[];
  /** By path: `net/ipv4/conf/all/rp_filter`. Those that the kernel lacks are left out. */
  readonly sysctls: Readonly<Record<string, string>>;
  readonly firewall: FirewallFacts;
  readonly xdp: XdpFacts | undefined;
  /** Interfaces that a default route leaves by. */
  readonly defaultRoutes: readonly string[];
  readonly listeners: readonly Listener[];
}

export interface LinkFacts {
  readonly index: number;
  readonly name: string;
  readonly mtuBytes: number;
  /** Switched on by the administrator. */
  readonly up: boolean;
  /** On, and the other end of the cable too. */
  readonly running: boolean;
  readonly ethernet: boolean;
}

export interface AddressFacts {
  readonly interface: string;
  readonly address: Ipv4Address;
  readonly prefixLength: number;
}

export interface FirewallFacts {
  /** The tools that work here, the preferred first. */
  readonly tools: readonly FirewallTool[];
  readonly clamps: readonly Clamp[];
}

export type FirewallTool = 'nft' | 'iptables';

/** A rule that lowers the MSS of what leaves. */
export interface Clamp {
  readonly tool: FirewallTool;
  /** Table or chain, for the operator. */
  readonly where: string;
  /** Of the real server whose set-up made it; undefined for other people's rules. */
  readonly instance: string | undefined;
  /** Source addresses it holds for. */
  readonly sources: readonly Prefix[];
  /** Undefined: to the path's MTU, which knows nothing of the tunnel. */
  readonly mss: number | undefined;
}

export interface Prefix {
  readonly address: Ipv4Address;
  readonly length: number;
}

/** The XDP program on the interface. */
export interface XdpFacts {
  readonly programId: number;
  readonly mode: string;
  /** Whether it is this instance's. */
  readonly ours: boolean;
  /** Undefined for other programs. */
  readonly accepts: Acceptance | undefined;
  /** What it did with tunnel packets so far; undefined for other programs. */
  readonly counts: DecapsulationCounts | undefined;
}

/** Mirrors enum count of bpf/realserver.bpf.c. */
export const COUNT_NAMES = [
  'decapsulated',
  'fragments',
  'joined',
  'refusedSource',
  'otherDestination',
  'malformed',
  'congestion',
  'fragmentsLost',
] as const;

export type DecapsulationCounts = Readonly<Record<(typeof COUNT_NAMES)[number], number>>;

export interface Acceptance {
  readonly vips: readonly Ipv4Address[];
  readonly directors: readonly Ipv4Address[] | 'anyone';
}

export interface Listener {
  readonly protocol: 'tcp' | 'udp';
  /** Undefined: every address. */
  readonly address: Ipv4Address | undefined;
  readonly port: number;
}

export function contains(prefix: Prefix, address: Ipv4Address): boolean {
  return prefix.length === 0 || (prefix.address ^ address) >>> (32 - prefix.length) === 0;
}
