// The facts about a host that matter to a real server.
import type { TunnelKind } from '../../linux/netlink/devices/tunnel.ts';
import { familyOf, type IpAddress, type IpFamily, networkOf } from '../../net/address/ip-address.ts';
import type { TunnelType } from '../options.ts';

/** The facts about this host that matter to a real server. */
export interface RealServerFacts {
  /** The interface named; undefined when it does not exist. */
  readonly link: LinkFacts | undefined;
  readonly loopback: LinkFacts | undefined;
  /** The kernel's tunnel devices. */
  readonly tunnels: readonly TunnelFacts[];
  /** UDP ports on which the kernel decapsulates GUE. */
  readonly guePorts: readonly GuePort[];
  /** The state of the kernel modules that the wanted tunnel needs: present, loadable or missing. */
  readonly modules: Readonly<Record<string, ModuleState>>;
  readonly addresses: readonly AddressFacts[];
  /** Settings by path, for example `net/ipv4/conf/all/rp_filter`. Settings that the kernel lacks are left out. */
  readonly sysctls: Readonly<Record<string, string>>;
  readonly firewall: FirewallFacts;
  readonly xdp: XdpFacts | undefined;
  /** Interfaces of the default routes. */
  readonly defaultRoutes: readonly string[];
  readonly listeners: readonly Listener[];
}

export interface LinkFacts {
  readonly index: number;
  readonly name: string;
  readonly mtuBytes: number;
  /** Switched on by the administrator. */
  readonly up: boolean;
  /** Up, and the other end of the cable too. */
  readonly running: boolean;
  readonly ethernet: boolean;
}

export interface TunnelFacts extends LinkFacts {
  readonly kind: TunnelKind;
}

export type ModuleState = 'present' | 'loadable' | 'absent';

export interface GuePort {
  /** The family of the outer packet. */
  readonly family: IpFamily;
  readonly port: number;
}

export interface AddressFacts {
  readonly interface: string;
  readonly address: IpAddress;
  readonly prefixLength: number;
}

export interface FirewallFacts {
  /** The tools that work here, the preferred first. */
  readonly tools: readonly FirewallTool[];
  readonly clamps: readonly Clamp[];
}

/** nft clamps both families, each of the others one. */
export type FirewallTool = 'nft' | 'iptables' | 'ip6tables';

/** A rule that lowers the MSS of what leaves. */
export interface Clamp {
  readonly tool: FirewallTool;
  /** Table or chain, for the operator. */
  readonly where: string;
  /** The real server whose set-up made the rule; undefined for other people's rules. */
  readonly instance: string | undefined;
  /** Source addresses it holds for. */
  readonly sources: readonly Prefix[];
  /** The MSS; undefined if it is clamped to the path MTU, which does not account for the tunnel. */
  readonly mss: number | undefined;
}

export interface Prefix {
  readonly address: IpAddress;
  readonly length: number;
}

/** The XDP program on the interface. */
export interface XdpFacts {
  readonly programId: number;
  readonly mode: string;
  /** True if it is culvert's own decapsulating program, whichever set-up attached it. */
  readonly ours: boolean;
  /** The instance of the director that it belongs to; undefined: it is no director's. */
  readonly director?: string | undefined;
  /** The packets it accepts; undefined for other programs. */
  readonly accepts: Acceptance | undefined;
  /** The counts of tunnel packets it has handled; undefined for other programs. */
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
  'checksum',
] as const;

export type DecapsulationCounts = Readonly<Record<(typeof COUNT_NAMES)[number], number>>;

export interface Acceptance {
  readonly entries: readonly AcceptedEntry[];
  /** Everybody is among them as an unspecified address (`ANYONE`). */
  readonly directors: readonly IpAddress[];
}

export interface Listener {
  readonly protocol: 'tcp' | 'udp';
  /** 0.0.0.0 stands for every address of IPv4, :: for every address of both. */
  readonly address: IpAddress;
  readonly port: number;
}

export function contains(prefix: Prefix, address: IpAddress): boolean {
  return (
    familyOf(prefix.address) === familyOf(address) &&
    networkOf(address, prefix.length) === networkOf(prefix.address, prefix.length)
  );
}

/** An entry of the XDP program's table: a VIP, and a tunnel in which its packets may arrive. */
export interface AcceptedEntry extends TunnelType {
  readonly vip: IpAddress;
}
