import type { ConfigDocument } from '../../config/load/document.ts';
import type { FlowStateName } from '../../dataplane/data-plane.ts';
import type { SettingChange } from '../../director/changes/setting-changes.ts';
import type { DirectorEvent, QuorumStatus, ReloadSummary } from '../../director/control.ts';
import type { Decision } from '../../forwarding/decision.ts';
import type {
  Persistence,
  SchedulerFlag,
  SchedulerName,
  TransportProtocol,
  Tunnel,
} from '../../forwarding/forwarding-table.ts';
import type { Reason } from '../../forwarding/reasons.ts';

/**
 * The bodies of the API, as JSON. Addresses are text; what is not there is `null`, never left out.
 * `schemas.ts` holds the zod schema of each, and the compiler holds the two together.
 */
export interface WireServiceKey {
  readonly protocol: TransportProtocol;
  readonly vip: string;
  /** 0: all that no other service has. */
  readonly port: number;
}

export interface WireHealth {
  readonly state: 'up' | 'down' | 'unchecked';
  readonly since: string;
  readonly lastError: string | null;
  readonly failures: number;
  /** Each of them has to be up for the real to be. */
  readonly checks: readonly WireCheck[];
  /** Found by the checks. */
  readonly weight: number | null;
}

export interface WireCheck {
  /** `tcp`, `http`, ... */
  readonly type: string;
  readonly state: 'up' | 'down';
  readonly since: string;
  readonly lastError: string | null;
  readonly failures: number;
  /** How long the last attempt took in ms, and what it heard or why it failed; `null` before the first one has ended. */
  readonly lastMs: number | null;
  readonly lastAnswer: string | null;
}

export interface WireReal {
  readonly service: WireServiceKey;
  readonly address: string;
  readonly configuredWeight: number;
  /** Set by hand; `null`: the configured one holds. */
  readonly override: number | null;
  /** It gets no new flows, whatever it weighs. */
  readonly drained: boolean;
  readonly effectiveWeight: number;
  /** False: it is out, and no flow may use it. */
  readonly serving: boolean;
  readonly inhibitOnFailure: boolean;
  /** `null`: the service's. */
  readonly tunnel: Tunnel | null;
  /** 0: no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly activeFlows: number;
  readonly inactiveFlows: number;
  /** False: there may be flows that are not remembered; the numbers of flows are the least there are. */
  readonly activeKnown: boolean;
  /** When they will be known; `null`: they are, or nothing ends that. */
  readonly completeAt: string | null;
  readonly persistentClients: number;
  /** It is the director itself; left out otherwise. */
  readonly local?: boolean | undefined;
  /** There is no route to it, or its next hop does not answer; left out otherwise. */
  readonly noWay?: boolean | undefined;
  readonly health: WireHealth;
}

export interface WireService {
  readonly service: WireServiceKey;
  /** Those that are this service beside the one that names it. */
  readonly morePorts: readonly number[];
  readonly scheduler: SchedulerName;
  readonly schedulerFlags: readonly SchedulerFlag[];
  readonly hashOn: 'flow' | 'source';
  readonly onePacket: boolean;
  readonly persistence: Persistence | null;
  readonly tunnel: Tunnel;
  readonly quorum: WireQuorum;
  readonly sorryServer: WireSorryServer | null;
  readonly reals: readonly WireReal[];
}

export type WireQuorum = QuorumStatus;

export interface WireSorryServer {
  readonly address: string;
  readonly weight: number;
  /** `null`: the service's. */
  readonly tunnel: Tunnel | null;
  readonly inhibit: boolean;
  /** Whether it serves instead of the reals. */
  readonly serving: boolean;
  readonly activeFlows: number;
  readonly inactiveFlows: number;
  /** False: there may be flows that are not remembered; the numbers of flows are the least there are. */
  readonly activeKnown: boolean;
  /** When they will be known; `null`: they are, or nothing ends that. */
  readonly completeAt: string | null;
  readonly persistentClients: number;
  /** It is the director itself; left out otherwise. */
  readonly local?: boolean | undefined;
  /** There is no route to it, or its next hop does not answer; left out otherwise. */
  readonly noWay?: boolean | undefined;
}

export interface WireTraffic {
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
}

/** What is made of the counters of a real, or of all reals of a service. */
export interface WireTrafficAccount {
  /** Counted since it was zeroed last, if ever. */
  readonly sinceZero: WireTraffic;
  /** As IPVS has it: over two seconds, and a quarter of it each time. */
  readonly perSecond: WireTraffic;
}

export interface WireRealStats extends WireTraffic, WireTrafficAccount {
  readonly address: string;
  readonly activeFlows: number;
  readonly inactiveFlows: number;
  /** False: there may be flows that are not remembered; the numbers of flows are the least there are. */
  readonly activeKnown: boolean;
  /** When they will be known; `null`: they are, or nothing ends that. */
  readonly completeAt: string | null;
  /** Clients, or networks of clients, that persistence keeps at this real. */
  readonly persistentClients: number;
}

export interface WireServiceStats extends WireTraffic, WireTrafficAccount {
  readonly service: WireServiceKey;
  readonly slots: number;
  readonly trackedSlots: number;
  readonly reals: readonly WireRealStats[];
}

export interface WireStats {
  readonly services: readonly WireServiceStats[];
  /** Packets by reason; reasons that never occurred are left out. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly handedOver: number;
  /** Rare packets that the fast path dropped because the budget of the slow path was used up. */
  readonly overBudget: number;
}

/** What the director's machine is short of, so that checks cannot be made. */
export interface WireShortage {
  /** The system's name of it: `EMFILE`. */
  readonly code: string;
  readonly what: string;
  readonly fix: string;
  readonly since: string;
  /** Checks whose last attempt could not be made for it. */
  readonly checks: number;
}

export interface WireStatus {
  readonly instance: string;
  readonly interface: string;
  readonly plane: string;
  readonly configPath: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly shortages: readonly WireShortage[];
  /** Attempts of checks that this machine could not make, since the start. */
  readonly unmadeAttempts: number;
  readonly services: readonly WireService[];
  readonly stats: WireStats;
}

export interface WireFlow {
  readonly service: WireServiceKey;
  /** Null for a half-open IPv6 flow that pushed another out, until its second packet. */
  readonly client: string | null;
  readonly clientPort: number;
  readonly real: string;
  readonly state: FlowStateName;
  readonly idleMs: number;
  /** Until it is forgotten, should nothing come. */
  readonly leftMs: number;
}

export type WireEvent = DirectorEvent;
export type WireReload = ReloadSummary;

export interface WireConfig {
  /** As it is written: what YAML has for it. */
  readonly config: ConfigDocument;
  /** Another one for any other configuration. */
  readonly revision: string;
  /** `applied`: over the API, in place of the file. */
  readonly source: 'file' | 'applied';
  /** When it goes back by itself; `null`: it stays. */
  readonly confirmBefore: string | null;
}

export interface WireApply {
  readonly config: unknown;
  /** The one that `config` was made from; when it no longer holds, nothing changes. */
  readonly revision?: string | undefined;
  /** It goes back by itself after this time, unless confirmed. */
  readonly confirmMs?: number | undefined;
}

export interface WireApplied extends WireReload {
  readonly revision: string;
  readonly confirmBefore: string | null;
}

export interface WireDiff {
  readonly director: readonly SettingChange[];
  readonly services: readonly WireServiceChange[];
}

export interface WireServiceChange {
  readonly service: WireServiceKey;
  readonly change: 'added' | 'changed' | 'removed';
  readonly settings: readonly SettingChange[];
  readonly reals: readonly WireRealChange[];
}

export interface WireRealChange {
  readonly address: string;
  readonly change: 'added' | 'changed' | 'removed';
  readonly settings: readonly SettingChange[];
}

export interface WireExplanation {
  readonly verdict: Decision['verdict'];
  readonly reason: Reason | null;
  /** The real that a forwarded packet goes to. */
  readonly real: string | null;
  /** Where an answer is sent to. */
  readonly to: string | null;
  /** The IP packets that would be sent, in hex. */
  readonly packets: readonly string[];
  readonly sentences: readonly string[];
}

/** One real, or without `service` the same address in every service. */
export interface WireRealSelector {
  readonly address: string;
  readonly service?: string | undefined;
}

export interface WireWeightChange extends WireRealSelector {
  /** `null` takes an override back. */
  readonly weight: number | null;
}

/** What a failed request answers. */
export interface WireError {
  readonly code: string;
  readonly message: string;
}
