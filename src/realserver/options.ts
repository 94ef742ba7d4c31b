import type { Ipv4Address } from '../net/ipv4-address.ts';

export interface RealServerOptions {
  readonly vips: readonly Ipv4Address[];
  /** Whose tunnel packets are accepted; none: anyone's. */
  readonly directors: readonly Ipv4Address[];
  /** The interface that tunnel packets come in by. */
  readonly interface: string;
  /** auto: XDP where directors are named or the kernel has no ipip, else the kernel's ipip. */
  readonly decapsulation: 'auto' | 'kernel' | 'xdp';
  /** What the SYN-ACK from a VIP announces at most; auto: what the tunnel leaves of the interface's MTU. */
  readonly mss: number | 'auto' | 'none';
  readonly stateDirectory: string;
  readonly instance: string;
}

export interface VerifyOptions
  extends Pick<RealServerOptions, 'vips' | 'directors' | 'interface' | 'instance'> {
  /** Ports that somebody should listen on at each VIP, TCP or UDP. */
  readonly ports?: readonly number[];
}

export type TeardownOptions = Pick<RealServerOptions, 'stateDirectory' | 'instance'>;

/** Of an outer IPv4 header. */
export const TUNNEL_OVERHEAD_BYTES = 20;

/** IPv4 and TCP without options. */
const HEADERS_BYTES = 40;

/** The largest MSS whose segments still fit the link inside the tunnel: 1440 for 1500. */
export function fittingMss(mtuBytes: number): number {
  return mtuBytes - TUNNEL_OVERHEAD_BYTES - HEADERS_BYTES;
}
