// The forwarding table: services, their reals and tunnels as an immutable value, computed from configuration and health.
import type { IpAddress } from '../net/address/ip-address.ts';
import type { SCHEDULER_NAMES } from './scheduler-names.ts';

/** A port number in host order, 1..65535. 0 is allowed only where a comment says so. */
export type Port = number;

export type TransportProtocol = 'tcp' | 'udp' | 'sctp';

/** The schedulers of the kernel's IPVS. docs/reference/ipvs-differences.md lists the differences. */
export type SchedulerName = (typeof SCHEDULER_NAMES)[number];

/**
 * Options of the `sh` scheduler.
 * - `sh-port`: the client's port is hashed as well. (`hashOn` is the equivalent for mh.)
 * - `sh-fallback`: a client whose real takes no new flows gets another real instead of being refused. (mh always does so.)
 */
export type SchedulerFlag = 'sh-port' | 'sh-fallback';

/** The key of a service. No two services of a table have the same key. */
export interface ServiceKey {
  readonly vip: IpAddress;
  readonly protocol: TransportProtocol;
  /** 0 stands for every port of the VIP that no other service has. */
  readonly port: Port;
}

/**
 * The input of a data plane, computed from configuration and health. It is immutable: a change is a new table, and the plane
 * applies the difference.
 */
export interface ForwardingTable {
  /** The key of the flow hash, 16 bytes. Directors that share VIPs use the same key. */
  readonly hashKey: Uint8Array;
  readonly timeouts: FlowTimeouts;
  /**
   * The treatment of flows whose real was deleted. True, the default: they are reset or scheduled again (IPVS:
   * expire_nodest_conn=1). False: their packets are dropped until the flow times out or the real is back.
   */
  readonly expireNodestConn?: boolean;
  /**
   * The treatment of a new flow whose client's persistence template names a real of weight 0 (IPVS: expire_quiescent_template).
   * True: the flow and the template are scheduled again. False, the default: the flow follows the template.
   */
  readonly expireQuiescentTemplate?: boolean;
  /**
   * True if a TCP packet other than a RST that belongs to no flow opens one (IPVS: sloppy_tcp). False, the default: only a SYN
   * does. Services that remember no flows forward such packets in any case.
   */
  readonly sloppyTcp?: boolean;
  readonly services: readonly Service[];
}

/** Idle times after which a flow is forgotten, by state as kernel IPVS derives it from the client's packets alone. */
export interface FlowTimeouts {
  readonly synRecvMs: number;
  readonly establishedMs: number;
  readonly finWaitMs: number;
  readonly closeMs: number;
  readonly udpMs: number;
  /** Defaults to `DEFAULT_TIME_WAIT_MS`. */
  readonly timeWaitMs?: number;
  /** Defaults to `DEFAULT_SCTP_TIMEOUTS`. */
  readonly sctp?: SctpTimeouts;
}

export interface SctpTimeouts {
  /** The idle times after the first INIT and after a repeated one. */
  readonly init1Ms: number;
  readonly initMs: number;
  readonly cookieEchoedMs: number;
  readonly establishedMs: number;
  readonly shutdownMs: number;
  readonly closedMs: number;
}

export const DEFAULT_TIMEOUTS: FlowTimeouts = {
  synRecvMs: 60_000,
  establishedMs: 900_000,
  finWaitMs: 120_000,
  closeMs: 10_000,
  udpMs: 300_000,
};

export const DEFAULT_TIME_WAIT_MS = 120_000;

export const DEFAULT_SCTP_TIMEOUTS: SctpTimeouts = {
  init1Ms: 4_000,
  initMs: 61_000,
  cookieEchoedMs: 61_000,
  establishedMs: 900_000,
  shutdownMs: 61_000,
  closedMs: 61_000,
};

export interface Service extends ServiceKey {
  /** Further ports of this same service. With `persistence` a client of any of them has the same real on all. */
  readonly morePorts?: readonly Port[];
  readonly scheduler: SchedulerName;
  readonly schedulerFlags?: readonly SchedulerFlag[];
  /** The input of the `mh` hash: the client's address and port, or the address alone. */
  readonly hashOn: 'flow' | 'source';
  /** For UDP: every packet is scheduled on its own, and nothing is remembered. */
  readonly onePacket?: boolean;
  readonly persistence?: Persistence;
  /** The tunnel to reals that do not have one of their own. */
  readonly tunnel: Tunnel;
  readonly blackhole: BlackholePolicy;
  /** Defaults to `always`; the same for all services of a VIP. */
  readonly claim?: Claim;
  readonly reals: readonly Real[];
}

/**
 * The host that answers ARP and neighbour discovery for a VIP. `always`: the director. `host`: the host's own stack, while the
 * VIP is an address of the host (VRRP decides then). `never`: none; the VIP is routed to the director.
 */
export type Claim = 'always' | 'host' | 'never';

/** Sends new flows of a client to the real of its earlier flows. */
export interface Persistence {
  /** Time after the end of a client's last flow for which its real is remembered. */
  readonly timeoutMs: number;
  /** Clients in one network of this prefix length count as one: IPv4 1..32, IPv6 1..128. */
  readonly prefixLength: number;
}

/**
 * The headers put in front of a packet: an outer IP header, followed by nothing (IPIP: RFC 2003, 4213, 2473), by GRE (RFC 2784)
 * or by UDP with GUE (draft-ietf-intarea-gue).
 * `checksum`: `full` covers all that is carried (the checksum of GRE or UDP); `remote` (GUE) is remote checksum offload: the
 * receiver of the tunnel computes the inner transport checksum.
 */
export type Tunnel =
  | { readonly type: 'ipip' }
  | { readonly type: 'gre'; readonly checksum: 'none' | 'full' }
  | { readonly type: 'gue'; readonly checksum: 'none' | 'full' | 'remote'; readonly port: Port };

/** The policy for clients that ICMP too-big answers do not reach. */
export interface BlackholePolicy {
  readonly policy: 'cure' | 'refuse';
  /** The number of answers to the same oversize packet after which its flow counts as unreachable by ICMP. */
  readonly after: number;
}

export interface Real {
  readonly address: IpAddress;
  /** 0..65535. At 0 the real keeps its flows and gets no new ones. */
  readonly weight: number;
  /** False while the real is failed: no flow may use it. It keeps its index, so that checks still reach it. */
  readonly serving: boolean;
  /** False while there is no way to the real and another real has one: it gets no new flows and keeps its existing ones. */
  readonly hasWay?: boolean;
  /**
   * True while the real is failed and inhibited, and other reals take over its UDP flows. With `serving` false its flows move
   * even where flows of failed reals are held.
   */
  readonly inhibited?: boolean;
  /** Defaults to the service's tunnel. */
  readonly tunnel?: Tunnel;
  /** At this number of flows the real gets no new ones. 0, the default: no limit. */
  readonly upperThreshold?: number;
  /**
   * Below this number of flows a full real gets new ones again. 0, the default: three quarters of the upper threshold, as in
   * IPVS.
   */
  readonly lowerThreshold?: number;
}

/** A service's key as the CLI, the API and the logs show it: `tcp 192.0.2.10:80`. */
export type ServiceName = string;
