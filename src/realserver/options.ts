// What set-up, verify and teardown of a real server are asked for.
import type { Tunnel } from '../forwarding/table.ts';
import { portOf } from '../forwarding/tunnel/kind.ts';
import type { IpAddress } from '../net/ip-address.ts';

/** A VIP, and a tunnel that its packets come in. A VIP with several tunnels stands in several. */
export interface Served {
  readonly vip: IpAddress;
  readonly tunnel: Tunnel;
}

/** What the SYN-ACK from a VIP announces at most; auto: what the tunnel leaves of the interface's MTU. */
export type MssSetting = number | 'auto' | 'none';

/** One line of a set-up; those of the same VIP have the same MSS. */
export interface ServedAs extends Served {
  readonly mss: MssSetting;
}

/** A request: what is to be served in addition to what is. */
export interface RealServerOptions {
  /** An MSS of their own is that of an earlier set-up. */
  readonly serves: readonly (Served & { readonly mss?: MssSetting })[];
  /** Whose tunnel packets are accepted; none: those of earlier set-ups or, at the first, anyone's by IPv4. */
  readonly directors: readonly IpAddress[];
  /** The interface that tunnel packets come in by. */
  readonly interface: string;
  /** auto: as it is set up; at first XDP where directors are named or the kernel has no such tunnels, else the kernel's devices. */
  readonly decapsulation: 'auto' | 'kernel' | 'xdp';
  /** Undefined: as it was set up, at first `auto`. */
  readonly mss: MssSetting | undefined;
  readonly stateDirectory: string;
  readonly instance: string;
}

/** The whole of what a host is to serve. */
export interface Wanted {
  readonly serves: readonly ServedAs[];
  /** At least one; anyone is an unspecified address (`ANYONE`). */
  readonly directors: readonly IpAddress[];
  readonly interface: string;
  readonly instance: string;
}

export interface VerifyOptions {
  readonly serves: readonly Served[];
  /** None: it does not matter who is accepted. */
  readonly directors: readonly IpAddress[];
  readonly interface: string;
  readonly instance: string;
  /** Where somebody should listen, by TCP or UDP. */
  readonly listeners?: readonly { readonly vip: IpAddress; readonly port: number }[];
}

export interface InstanceOptions {
  readonly stateDirectory: string;
  readonly instance: string;
}

/** What to take away; without any of the three everything. */
export interface TeardownOptions extends InstanceOptions {
  readonly vips?: readonly IpAddress[];
  readonly directors?: readonly IpAddress[];
  readonly tunnels?: readonly TunnelType[];
  /** Exactly these, in addition to what the others name. */
  readonly serves?: readonly Served[];
}

/** A kind of tunnel without what does not matter to who takes it off; port 0: of any port. */
export interface TunnelType {
  readonly type: Tunnel['type'];
  readonly port: number;
}

/** Every VIP in every tunnel. */
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

/** Two lines with the same key concern the same packets. */
export function servedKey({ vip, tunnel }: Served): string {
  return `${vip} ${typeText(typeOf(tunnel))}`;
}
