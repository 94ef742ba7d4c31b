// The options of set-up, verification and teardown of a real server.
import type { Tunnel } from '../forwarding/forwarding-table.ts';
import { portOf } from '../forwarding/tunnel/kind.ts';
import type { IpAddress } from '../net/address/ip-address.ts';

/** A VIP and a tunnel in which its packets arrive. A VIP with several tunnels has several entries. */
export interface Served {
  readonly vip: IpAddress;
  readonly tunnel: Tunnel;
}

/** The largest MSS in a SYN-ACK from a VIP; auto: what the tunnel leaves of the interface's MTU. */
export type MssSetting = number | 'auto' | 'none';

/** An entry of a set-up. All entries of a VIP have the same MSS. */
export interface ServedAs extends Served {
  readonly mss: MssSetting;
}

/** A request: what to serve in addition to the current set-up. */
export interface RealServerOptions {
  /** An entry has its own MSS only if it comes from an earlier set-up. */
  readonly serves: readonly (Served & { readonly mss?: MssSetting })[];
  /** The directors whose tunnel packets are accepted; empty: those of earlier set-ups or, at first, anyone over IPv4. */
  readonly directors: readonly IpAddress[];
  /** The interface on which tunnel packets arrive. */
  readonly interface: string;
  /** auto: as it is set up; at first XDP where directors are named or the kernel has no such tunnels, else the kernel's devices. */
  readonly decapsulation: 'auto' | 'kernel' | 'xdp';
  /** The MSS setting; undefined: as set up before, at first `auto`. */
  readonly mss: MssSetting | undefined;
  readonly stateDirectory: string;
  readonly instance: string;
}

/** Everything a host is to serve. */
export interface Wanted {
  readonly serves: readonly ServedAs[];
  /** The directors, at least one; an unspecified address (`ANYONE`) stands for anyone. */
  readonly directors: readonly IpAddress[];
  readonly interface: string;
  readonly instance: string;
}

export interface VerifyOptions {
  readonly serves: readonly Served[];
  /** Empty: any source may be accepted. */
  readonly directors: readonly IpAddress[];
  readonly interface: string;
  readonly instance: string;
  /** The addresses and ports where a process should listen, on TCP or UDP. */
  readonly listeners?: readonly { readonly vip: IpAddress; readonly port: number }[];
}

export interface InstanceOptions {
  readonly stateDirectory: string;
  readonly instance: string;
}

/** Selects what to remove; everything when none of the four is given. */
export interface TeardownOptions extends InstanceOptions {
  readonly vips?: readonly IpAddress[];
  readonly directors?: readonly IpAddress[];
  readonly tunnels?: readonly TunnelType[];
  /** Exactly these, in addition to what the others name. */
  readonly serves?: readonly Served[];
}

/** A kind of tunnel, as far as decapsulation depends on it; port 0: any port. */
export interface TunnelType {
  readonly type: Tunnel['type'];
  readonly port: number;
}

/** Combines every VIP with every tunnel. */
export function serving(vips: readonly IpAddress[], tunnels: readonly Tunnel[]): Served[] {
  return vips.flatMap((vip) => tunnels.map((tunnel) => ({ vip, tunnel })));
}

export function vipsOf(serves: readonly Served[]): readonly IpAddress[] {
  return [...new Set(serves.map(({ vip }) => vip))];
}

/** Each kind, port and checksum once. */
export function tunnelsOf(serves: readonly Served[]): readonly Tunnel[] {
  return [...new Map(serves.map(({ tunnel }) => [JSON.stringify(tunnel), tunnel])).values()];
}

export function typeOf(tunnel: Tunnel): TunnelType {
  return { type: tunnel.type, port: portOf(tunnel) };
}

export function typeText({ type, port }: TunnelType): string {
  return port === 0 ? type : `${type} (port ${port})`;
}

/** Returns a key that is equal for entries that concern the same packets. */
export function servedKey({ vip, tunnel }: Served): string {
  return `${vip} ${typeText(typeOf(tunnel))}`;
}
