// The interface by which the API and the commands control a running director.
import type { ReloadSummary } from '../contract/api/configuration.ts';
import type { DirectorEvent } from '../contract/api/event.ts';
import type { CheckType } from '../contract/checks/probe-config.ts';
import type { ConfigDocument } from '../contract/config/config-document.ts';
import type { ForwardedOptions } from '../contract/config/service-contract.ts';
import type { FlowFilter, FlowRecord, PlaneCounters, RealCounters } from '../dataplane/data-plane.ts';
import type { Explanation } from '../forwarding/decision.ts';
import type { Persistence, Port, SchedulerFlag, ServiceKey, Tunnel } from '../forwarding/forwarding-table.ts';
import type { LocalShortage } from '../local-shortage.ts';
import type { IpAddress } from '../net/address/ip-address.ts';
import type { ConfigDiff } from './changes/config-diff.ts';
import type { TrafficAccounts } from './status/traffic-book.ts';
import type { SyncRoleStatus } from './sync/synchronisation.ts';
import type { QuorumState } from './world/quorum.ts';

/** The requests that the API and the CLI can make to a running director. */
export interface DirectorControl {
  status(): Promise<DirectorStatus>;
  /** Reads the configuration file again; it holds, whatever was applied. @throws CulvertError CONFIG_*; then nothing has changed. */
  reload(): Promise<ReloadSummary>;
  /** Return the running configuration. */
  config(): RunningDocument;
  /**
   * Has another configuration hold, a `ConfigDocument`, until the file's content changes or is read again. Kept over restarts.
   * @throws CulvertError CONFIG_INVALID, with paths in the document; CONFLICT, CAPACITY, UNSUPPORTED. Then nothing has changed.
   * NOT_SAVED, as every change may: it is in force, but a restart would forget it.
   */
  apply(document: unknown, options?: ApplyOptions): Promise<ApplySummary>;
  /** Keeps an applied configuration. @throws CulvertError CONFLICT when none waits for that */
  confirm(): Promise<RunningDocument>;
  /** Goes back to what was before, at once. @throws CulvertError CONFLICT when nothing waits to be confirmed. */
  revert(): Promise<ApplySummary>;
  /** Returns what `apply` would change. @throws CulvertError CONFIG_INVALID */
  diff(document: unknown): Promise<ConfigDiff>;
  /**
   * The same of a file of YAML that differs little from the one that was read last, in a fraction of the time.
   * @returns undefined where it does not, or has anything wrong in it: its document says what.
   */
  diffYaml(text: string): Promise<ConfigDiff | undefined>;
  /** Overrides a weight until `clearWeight`; kept over restarts. A drained real stays drained. @throws CulvertError NOT_FOUND. */
  setWeight(selector: RealSelector, weight: number): Promise<readonly RealStatus[]>;
  clearWeight(selector: RealSelector): Promise<readonly RealStatus[]>;
  /** Stops new flows until `undrain`, after which the weight set by hand, or the configured one, holds again. */
  drain(selector: RealSelector): Promise<readonly RealStatus[]>;
  undrain(selector: RealSelector): Promise<readonly RealStatus[]>;
  /** Resets the counters of a service, or of all, that ipvsadm shows. @throws CulvertError NOT_FOUND */
  zeroCounters(service?: ServiceKey): Promise<void>;
  flows(filter: FlowFilter): AsyncIterable<FlowRecord>;
  events(afterSequence: number): readonly DirectorEvent[];
  /** Calls `listener` for every further event until the signal aborts. */
  subscribe(listener: (event: DirectorEvent) => void, signal: AbortSignal): void;
  /** Explains what would happen to this IP packet; changes nothing. */
  explain(packet: Uint8Array): Explanation;
  /** `culvert down`: forwarding ends and nothing is left behind. The process ends afterwards. */
  remove(): Promise<void>;
}

/** Selects one real; without `service`, the same address in every service. */
export interface RealSelector {
  readonly service?: ServiceKey;
  readonly address: IpAddress;
}

export interface DirectorStatus {
  readonly instance: string;
  readonly interface: string;
  readonly plane: string;
  readonly configPath: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly services: readonly ServiceStatus[];
  readonly counters: PlaneCounters;
  readonly accounts: TrafficAccounts;
  /** The roles in the synchronisation of flows that run. */
  readonly sync: readonly SyncRoleStatus[];
  /** The shortages for which checks cannot be made at the moment. */
  readonly shortages: readonly ShortageStatus[];
  /** Attempts of checks that this machine could not make, since the start. */
  readonly unmadeAttempts: number;
}

/** A shortage of the director's machine that prevents checks. */
export interface ShortageStatus extends LocalShortage {
  /** ISO 8601. */
  readonly since: string;
  /** Checks whose last attempt could not be made for it. */
  readonly checks: number;
}

export interface ServiceStatus extends ForwardedOptions {
  readonly key: ServiceKey;
  readonly morePorts: readonly Port[];
  readonly schedulerFlags: readonly SchedulerFlag[];
  readonly persistence: Persistence | undefined;
  readonly tunnel: Tunnel;
  readonly quorum: QuorumStatus;
  readonly sorryServer: SorryServerStatus | undefined;
  readonly reals: readonly RealStatus[];
}

export interface QuorumStatus {
  readonly state: QuorumState;
  /** The weight of the reals that are up. */
  readonly weight: number;
  readonly quorum: number;
  readonly hysteresis: number;
}

export interface SorryServerStatus extends RealFlows {
  readonly address: IpAddress;
  readonly weight: number;
  /** The tunnel; undefined: the service's. */
  readonly tunnel: Tunnel | undefined;
  readonly inhibit: boolean;
  /** True if it serves instead of the reals. */
  readonly serving: boolean;
}

export interface RealStatus extends RealFlows {
  readonly service: ServiceKey;
  readonly address: IpAddress;
  readonly configuredWeight: number;
  /** Set by `weight`; undefined: the configured one holds. */
  readonly override: number | undefined;
  /** It gets no new flows, whatever it weighs, until `undrain`. */
  readonly drained: boolean;
  readonly effectiveWeight: number;
  /** False: it is out, and no flow may use it. */
  readonly serving: boolean;
  readonly inhibitOnFailure: boolean;
  /** The tunnel; undefined: the service's. */
  readonly tunnel: Tunnel | undefined;
  /** 0: no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly health: HealthStatus;
}

/** The flows that a plane remembers for a real. */
export type RealFlows = Pick<
  RealCounters,
  'activeFlows' | 'inactiveFlows' | 'persistentClients' | 'flowsKnown' | 'flowsKnownInMs' | 'local' | 'noWay'
>;

export interface HealthStatus {
  readonly state: 'up' | 'down' | 'unchecked';
  /** The time of the last change, ISO 8601. */
  readonly since: string;
  /** The error of the check that has taken the real out, or that failed last; undefined when the last attempts of all passed. */
  readonly lastError: string | undefined;
  /** Failed attempts of that check in a row. */
  readonly failures: number;
  /** Each of them has to be up for the real to be. */
  readonly checks: readonly CheckStatus[];
  /** The weight that the checks have found; undefined where they find none. */
  readonly weight: number | undefined;
}

export interface CheckStatus {
  readonly type: CheckType;
  readonly state: 'up' | 'down';
  readonly since: string;
  readonly lastError: string | undefined;
  readonly failures: number;
  /** The duration of the last attempt, and its answer or error; undefined before the first one has ended. */
  readonly lastMs: number | undefined;
  readonly lastAnswer: string | undefined;
}

export interface ApplyOptions {
  /** The one that the document was made from; another one by now is a CONFLICT. */
  readonly revision?: string | undefined;
  /** Goes back by itself after this time, unless confirmed. */
  readonly confirmMs?: number | undefined;
}

export interface ApplySummary extends ReloadSummary {
  /** The revision of the configuration in force. */
  readonly revision: string;
  /** The time of the automatic rollback, ISO 8601; undefined: it stays. */
  readonly confirmBefore: string | undefined;
}

export interface RunningDocument {
  readonly config: ConfigDocument;
  /** Differs between any two configurations. */
  readonly revision: string;
  readonly source: 'file' | 'applied';
  /** The time of the automatic rollback, ISO 8601; undefined: it stays. */
  readonly confirmBefore: string | undefined;
}
