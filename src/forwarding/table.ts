import type { Ipv4Address } from '../net/ipv4-address.ts';

/** Port number in host order, 1..65535. */
export type Port = number;

export type TransportProtocol = 'tcp' | 'udp';
export type SchedulerName = 'rr' | 'wrr' | 'mh';

/** What names a service: no two services of a table share all three. */
export interface ServiceKey {
  readonly vip: Ipv4Address;
  readonly protocol: TransportProtocol;
  readonly port: Port;
}

/**
 * What a data plane forwards, computed from configuration and health. Immutable: a change is a new table, and the
 * plane applies the difference to what it holds.
 */
export interface ForwardingTable {
  /** 16 bytes; directors that share VIPs use the same. */
  readonly hashKey: Uint8Array;
  readonly timeouts: FlowTimeouts;
  readonly services: readonly Service[];
}

/** Idle times after which a flow is forgotten, as kernel IPVS sees them from one side. */
export interface FlowTimeouts {
  readonly synRecvMs: number;
  readonly establishedMs: number;
  readonly finWaitMs: number;
  readonly closeMs: number;
  readonly udpMs: number;
}

export const DEFAULT_TIMEOUTS: FlowTimeouts = {
  synRecvMs: 60_000,
  establishedMs: 900_000,
  finWaitMs: 120_000,
  closeMs: 10_000,
  udpMs: 300_000,
};

export interface Service extends ServiceKey {
  readonly scheduler: SchedulerName;
  /** What `mh` hashes: the client's address and port, or its address alone. */
  readonly hashOn: 'flow' | 'source';
  readonly tunnel: Tunnel;
  readonly blackhole: BlackholePolicy;
  readonly reals: readonly Real[];
}

export interface Tunnel {
  readonly type: 'ipip';
}

/** What to do with a client that ICMP too-big answers do not reach. */
export interface BlackholePolicy {
  readonly policy: 'cure' | 'refuse';
  /** Answers to the same oversize packet after which its flow counts as unreachable by ICMP. */
  readonly after: number;
}

export interface Real {
  readonly address: Ipv4Address;
  /** 0..65535; 0: its flows stay, new ones go elsewhere. */
  readonly weight: number;
  /** False while it is failed: no flow may use it. It keeps its place, so that checks still reach it. */
  readonly serving: boolean;
}

/** The key in text, as the CLI, the API and the logs show it: `tcp 192.0.2.10:80`. */
export type ServiceName = string;
