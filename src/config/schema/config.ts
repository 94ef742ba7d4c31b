import type {
  BlackholePolicy,
  Claim,
  FlowTimeouts,
  Persistence,
  Port,
  SchedulerFlag,
  SchedulerName,
  ServiceKey,
  Tunnel,
} from '../../forwarding/forwarding-table.ts';
import type { CommandConfig } from '../../linux/process/command-config.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { CheckSource } from './check-source.ts';
import type { ListenConfig } from './listen-config.ts';
import type { ProbeConfig } from './probe-config.ts';

/** A validated configuration with every default filled in. */
export interface CulvertConfig {
  readonly director: DirectorConfig;
  readonly services: readonly ServiceConfig[];
}

export interface DirectorConfig {
  /** The first of `interfaces`. */
  readonly interface: string;
  /** The interfaces on which VIP traffic arrives; none for the simulated plane. */
  readonly interfaces: readonly string[];
  readonly plane: 'xdp' | 'simulated';
  /** Names the pins, the control socket and the state file of this director; the interface's name by default. */
  readonly instance: string;
  /** 32 hex digits; undefined: made at the first start and kept in the state. */
  readonly hashSeed: string | undefined;
  readonly timeouts: FlowTimeouts;
  /** Whether flows of a deleted real end at once; see `ForwardingTable`. */
  readonly expireNodestConn: boolean;
  /** Whether a persistence template whose real has weight 0 is passed over; see `ForwardingTable`. */
  readonly expireQuiescentTemplate: boolean;
  /** Whether TCP packets other than a SYN open flows; see `ForwardingTable`. */
  readonly sloppyTcp: boolean;
  /** For services without their own. */
  readonly claim: Claim;
  readonly capacity: { readonly slots: number; readonly flows: number };
  /** Serves the API over TCP, beside the Unix socket. */
  readonly listen: ListenConfig | undefined;
  /** Serves `/metrics` over TCP and nothing else. */
  readonly metricsListen: ListenConfig | undefined;
  readonly stateDirectory: string;
  readonly runDirectory: string;
}

export interface ServiceConfig extends ServiceKey {
  readonly morePorts: readonly Port[];
  readonly scheduler: SchedulerName;
  readonly schedulerFlags: readonly SchedulerFlag[];
  readonly hashOn: 'flow' | 'source';
  readonly onePacket: boolean;
  readonly persistence: Persistence | undefined;
  readonly tunnel: Tunnel;
  readonly blackhole: BlackholePolicy;
  /** Who answers ARP and neighbour discovery for the VIP; all services of a VIP have the same. */
  readonly claim: Claim;
  /** Healthy weight that the service needs: lost below quorum - hysteresis, regained at quorum + hysteresis. */
  readonly quorum: number;
  /** Less than the quorum: so much below it the quorum is lost, so much above it gained. */
  readonly hysteresis: number;
  /** Serves instead of the reals while the quorum is lost. */
  readonly sorryServer: SorryServerConfig | undefined;
  readonly onQuorumUp: CommandConfig | undefined;
  readonly onQuorumDown: CommandConfig | undefined;
  /** True: when forwarding ends, the commands for what was up and now goes down are run. */
  readonly omega: boolean;
  readonly reals: readonly RealConfig[];
}

export interface SorryServerConfig {
  readonly address: IpAddress;
  readonly weight: number;
  /** Undefined: the service's. */
  readonly tunnel: Tunnel | undefined;
  /** True: its flows live on when the reals serve again. */
  readonly inhibit: boolean;
}

export interface RealConfig {
  readonly address: IpAddress;
  readonly weight: number;
  /** 0: no limit. */
  readonly upperThreshold: number;
  /** 0: three quarters of the upper one. */
  readonly lowerThreshold: number;
  /** Undefined: the service's. */
  readonly tunnel: Tunnel | undefined;
  /** All have to pass; none: not checked, always up. */
  readonly checks: readonly CheckConfig[];
  /** True: while it is down it keeps its flows, with weight 0. */
  readonly inhibitOnFailure: boolean;
  readonly onUp: CommandConfig | undefined;
  readonly onDown: CommandConfig | undefined;
}

export interface CheckConfig {
  /** The action of an attempt, and when it passes. */
  readonly probe: ProbeConfig;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Further attempts after a failed one before the real is out (keepalived's `retry`). */
  readonly retries: number;
  readonly retryDelayMs: number;
  /** First attempts are spread over so much time; undefined: over the interval. */
  readonly warmupMs: number | undefined;
  /** True: a real that is not known is down until an attempt has passed. */
  readonly alpha: boolean;
  /** True: every failed attempt is an event, not only the one that takes a real down. */
  readonly logAllFailures: boolean;
  readonly via: 'tunnel' | 'direct';
  /** The service's port unless given. */
  readonly port: Port | undefined;
  /** Target instead of the real itself; with `via` direct. */
  readonly address: IpAddress | undefined;
  /** How a connection that goes direct leaves this machine; undefined: as routing has it. */
  readonly from: CheckSource | undefined;
}
