// The forwarding table: what a data plane forwards.
import type { IpAddress } from '../net/address/ip-address.ts';

/** Port number in host order, 1..65535; 0 only where it says so. */
export type Port = number;

export type TransportProtocol = 'tcp' | 'udp' | 'sctp';

/** The schedulers of the kernel's IPVS; docs/reference/ipvs-differences.md says where culvert's differ. */
export type SchedulerName =
  | 'rr'
  | 'wrr'
  | 'lc'
  | 'wlc'
  | 'lblc'
  | 'lblcr'
  | 'dh'
  | 'sh'
  | 'mh'
  | 'sed'
  | 'nq'
  | 'fo'
  | 'ovf'
  | 'twos';

/**
 * - `sh-port`: sh hashes the client's port, too. (What mh hashes is `hashOn`.)
 * - `sh-fallback`: a client whose real takes no new flows gets another one instead of being refused. (mh always does so.)
 */
export type SchedulerFlag = 'sh-port' | 'sh-fallback';

/** What names a service: no two services of a table share all three. */
export interface ServiceKey {
  readonly vip: IpAddress;
  readonly protocol: TransportProtocol;
  /** 0: every port of the VIP that no other service has. */
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
  /**
   * What becomes of a flow whose real was deleted. True, the default: it is reset, or scheduled anew (IPVS:
   * expire_nodest_conn=1). False: its packets are dropped until it times out or the real is back.
   */
  readonly expireNodestConn?: boolean;
  /**
   * Whether a new flow is scheduled anew, and its client's persistence template with it, when the real of the template has weight 0
   * (IPVS: expire_quiescent_template). False, the default: it follows the template.
   */
  readonly expireQuiescentTemplate?: boolean;
  /**
   * Whether a TCP packet that belongs to no flow opens one, unless it is a RST (IPVS: sloppy_tcp). False, the default: only a SYN does.
   * Services that remember no flows forward such packets anyway.
   */
  readonly sloppyTcp?: boolean;
  readonly services: readonly Service[];
}

/** Idle times after which a flow is forgotten, as kernel IPVS sees them from one side. */
export interface FlowTimeouts {
  readonly synRecvMs: number;
  readonly establishedMs: number;
  readonly finWaitMs: number;
  readonly closeMs: number;
  readonly udpMs: number;
  /** `DEFAULT_TIME_WAIT_MS` unless given. */
  readonly timeWaitMs?: number;
  /** `DEFAULT_SCTP_TIMEOUTS` unless given. */
  readonly sctp?: SctpTimeouts;
}

export interface SctpTimeouts {
  /** After the first INIT, and after a further one. */
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
  /** Further ports that are this same service: a client of any has the same real at all, if `persistence` says so. */
  readonly morePorts?: readonly Port[];
  readonly scheduler: SchedulerName;
  readonly schedulerFlags?: readonly SchedulerFlag[];
  /** What `mh` hashes: the client's address and port, or its address alone. */
  readonly hashOn: 'flow' | 'source';
  /** UDP: every packet is scheduled on its own, and nothing is remembered. */
  readonly onePacket?: boolean;
  readonly persistence?: Persistence;
  /** Of the reals that have none of their own. */
  readonly tunnel: Tunnel;
  readonly blackhole: BlackholePolicy;
  /** `always` unless given; the same for all services of a VIP. */
  readonly claim?: Claim;
  readonly reals: readonly Real[];
}

/**
 * Who answers ARP and neighbour discovery for a VIP: the director; the host's own stack, only while the VIP is an address of the
 * host (VRRP decides then); nobody (the VIP is routed to the director).
 */
export type Claim = 'always' | 'host' | 'never';

/** New flows of a client go to the real that its earlier ones went to. */
export interface Persistence {
  /** After a client's last flow has ended. */
  readonly timeoutMs: number;
  /** Clients of one network of this size count as one: IPv4 1..32, IPv6 1..128. */
  readonly prefixLength: number;
}

/**
 * What is put in front of a packet: an outer IP header and, behind it, nothing (IPIP: RFC 2003, 4213, 2473), GRE (RFC 2784) or
 * UDP with GUE (draft-ietf-intarea-gue). `checksum`: `full` covers all that is carried (GRE's own, UDP's); `remote` (GUE) is
 * remote checksum offload: the inner transport checksum is left to be computed by who takes the header off.
 */
export type Tunnel =
  | { readonly type: 'ipip' }
  | { readonly type: 'gre'; readonly checksum: 'none' | 'full' }
  | { readonly type: 'gue'; readonly checksum: 'none' | 'full' | 'remote'; readonly port: Port };

/** What to do with a client that ICMP too-big answers do not reach. */
export interface BlackholePolicy {
  readonly policy: 'cure' | 'refuse';
  /** Answers to the same oversize packet after which its flow counts as unreachable by ICMP. */
  readonly after: number;
}

export interface Real {
  readonly address: IpAddress;
  /** 0..65535; 0: its flows stay, new ones go elsewhere. */
  readonly weight: number;
  /** False while it is failed: no flow may use it. It keeps its place, so that checks still reach it. */
  readonly serving: boolean;
  /** False while there is no way to it and another real has one: it gets no new flow, and keeps those that it has. */
  readonly hasWay?: boolean;
  /**
   * True while it is failed and inhibited, and other reals take over its UDP flows. With `serving` false: its flows move even where
   * those of a failed real are held.
   */
  readonly inhibited?: boolean;
  /** The service's unless given. */
  readonly tunnel?: Tunnel;
  /** At so many flows it gets no new ones; 0, the default: any number. */
  readonly upperThreshold?: number;
  /** Until it is below this number again; 0, the default: three quarters of the upper threshold, as IPVS has it. */
  readonly lowerThreshold?: number;
}

/** The key in text, as the CLI, the API and the logs show it: `tcp 192.0.2.10:80`. */
export type ServiceName = string;
