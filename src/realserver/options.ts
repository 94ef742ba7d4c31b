import type { Tunnel } from '../forwarding/table.ts';
import type { IpAddress } from '../net/ip-address.ts';

export interface RealServerOptions {
  readonly vips: readonly IpAddress[];
  /** Whose tunnel packets are accepted; none: anyone's that have an outer IPv4 header. */
  readonly directors: readonly IpAddress[];
  /** The interface that tunnel packets come in by. */
  readonly interface: string;
  /** What the directors put around packets. */
  readonly tunnel: Tunnel;
  /** auto: XDP where directors are named or the kernel has no such tunnels, else the kernel's devices. */
  readonly decapsulation: 'auto' | 'kernel' | 'xdp';
  /** What the SYN-ACK from a VIP announces at most; auto: what the tunnel leaves of the interface's MTU. */
  readonly mss: number | 'auto' | 'none';
  readonly stateDirectory: string;
  readonly instance: string;
}

export interface VerifyOptions
  extends Pick<RealServerOptions, 'vips' | 'directors' | 'interface' | 'tunnel' | 'instance'> {
  /** Ports that somebody should listen on at each VIP, TCP or UDP. */
  readonly ports?: readonly number[];
}

export type TeardownOptions = Pick<RealServerOptions, 'stateDirectory' | 'instance'>;
