// The interface of a data plane: it forwards by a table, counts, and lists flows.
import type { Explanation } from '../forwarding/decision.ts';
import type { FlowStateName } from '../forwarding/flow-states.ts';
import type { ForwardingTable, Port, Service, ServiceKey } from '../forwarding/forwarding-table.ts';
import type { ApplySummary } from '../forwarding/image/change/apply-run.ts';
import type { Learned, ScannedFlow } from '../forwarding/image/forwarding-image.ts';
import type { Reason } from '../forwarding/reasons.ts';
import type { IpAddress } from '../net/address/ip-address.ts';
import type { CheckConnector } from './check-connector.ts';

/** A data plane, which forwards packets: the XDP program, the in-process network, or (later) the kernel's IPVS. */
export interface DataPlane {
  readonly kind: 'xdp' | 'simulated';
  /** A description for the operator in one line: `xdp, native mode on eth0`. */
  readonly description: string;
  /** Opens the connections of health checks, through the tunnel or direct. */
  readonly connector: CheckConnector;

  /**
   * Makes the plane forward by `table`, changing only what differs. Idempotent.
   * @throws CulvertError CAPACITY or UNSUPPORTED, before anything has changed
   */
  apply(table: ForwardingTable): Promise<ApplySummary>;
  /**
   * Takes VIP traffic from these interfaces and no others from now on. Undefined for planes without interfaces.
   * @throws CulvertError INTERFACE, ALREADY_RUNNING, XDP_OCCUPIED, before anything has changed
   */
  useInterfaces?(names: readonly string[]): Promise<void>;
  /**
   * Detects what others have changed in the plane, restores it and reports it by `drift` events. Undefined for planes that nobody
   * else can reach. Planes also do this on their own about every 10 s.
   */
  mendDrift?(): void;
  /** Returns the services in the plane, also before the first `apply`: those of an earlier run are taken over. */
  services(): readonly Service[];
  /** Returns the key of the plane's rings and flows; undefined before the first `apply` to a plane that forwarded nothing. */
  keyInUse(): Uint8Array | undefined;
  counters(): Promise<PlaneCounters>;
  flows(filter?: FlowFilter): AsyncIterable<FlowRecord>;
  /**
   * Remembers flows and templates that another director knows. Entries here that are newer stay; see `Learned`. It works until
   * all are entered, about a second for a million: pass many in parts. Call it after the first `apply`.
   */
  learn(flows: Iterable<KnownFlow>): LearnSummary;
  /** Explains what would happen to this IP packet; changes nothing. */
  explain(packet: Uint8Array): Explanation;
  /** Ends the control. Forwarding continues where the plane lives outside the process. */
  close(): Promise<void>;
  /** Ends forwarding as well and removes everything. */
  remove(): Promise<void>;
}

export interface TrafficCounters {
  /** TCP SYNs sent to a real, UDP flows remembered. */
  readonly connections: number;
  /** Inner packets forwarded, and the bytes of their IP packets. */
  readonly packets: number;
  readonly bytes: number;
}

export interface RealCounters extends TrafficCounters {
  readonly address: IpAddress;
  /**
   * Remembered flows as IPVS counts them: active are established or half-open, inactive all others. Stateless flows are in
   * neither number.
   */
  readonly activeFlows: number;
  readonly inactiveFlows: number;
  /** False if the real may have flows that are not remembered, and so are in neither number. */
  readonly flowsKnown: boolean;
  /** The time after which they are known, at the latest; undefined if they are known, or if nothing ends that. */
  readonly flowsKnownInMs: number | undefined;
  /** Clients, or networks of clients, that persistence keeps at this real. */
  readonly persistentClients: number;
  /** True if the real is the director itself, whose own stack gets its packets. */
  readonly local?: boolean;
  /** True if there is no way to the real: no route, or a next hop that does not answer. */
  readonly noWay?: boolean;
}

export interface ServiceCounters extends TrafficCounters {
  readonly key: ServiceKey;
  readonly reals: readonly RealCounters[];
  /** Ring slots that are in transition; 0 when the service is stable. */
  readonly trackedSlots: number;
  readonly slots: number;
}

export interface PlaneCounters {
  readonly services: readonly ServiceCounters[];
  /** Packets that were not simply forwarded, by reason; reasons that never occurred are left out. */
  readonly reasons: Readonly<Partial<Record<Reason, number>>>;
  /** Packets that the fast path handed to the slow path. */
  readonly handedOver: number;
  /** Packets that the fast path dropped instead, because a flood had used up the slow path's budget of a tick. */
  readonly overBudget: number;
}

export interface FlowFilter {
  readonly service?: ServiceKey;
  readonly real?: IpAddress;
  readonly client?: IpAddress;
  /** Selects all clients in the network of this size that `client` is in. */
  readonly prefixLength?: number;
  readonly state?: FlowStateName;
  /** Selects entries of the memory, before anything else is read of them. */
  readonly entry?: (entry: Readonly<ScannedFlow>) => boolean;
}

export interface FlowRecord {
  readonly service: ServiceKey;
  /** The client; for a template the client's network. Undefined where it is not noted yet, see flow-table.ts. */
  readonly client: IpAddress | undefined;
  /** 0 for a template, which stands for all ports. */
  readonly clientPort: Port;
  readonly real: IpAddress;
  readonly state: FlowStateName;
  readonly idleMs: number;
  /** The time until the flow is forgotten if no packet comes. */
  readonly leftMs: number;
  /** The port that the client's packets go to, where a service has several; undefined if memory does not tell it. */
  readonly packetPort?: Port | undefined;
}

/** A flow or template as another director knows it. */
export interface KnownFlow {
  /** With the port that the client's packets go to; for a template any port of the service. */
  readonly service: ServiceKey;
  /** For a template an address of the clients' network. */
  readonly client: IpAddress;
  /** 0 for a template. */
  readonly clientPort: Port;
  readonly real: IpAddress;
  readonly state: FlowStateName;
  /** The time since its last packet; unless `leftMs` is known: 0 by default. */
  readonly idleMs?: number | undefined;
  /** The time until the other director forgets it. */
  readonly leftMs?: number | undefined;
}

/** The number of flows by what became of them. */
export type LearnSummary = Readonly<Record<Learned, number>>;

/** An event that a plane reports on its own. The director turns it into events and log lines. */
export type PlaneEvent =
  | {
      readonly type: 'blackhole-cured';
      readonly service: ServiceKey;
      readonly client: IpAddress;
      readonly clientPort: Port;
    }
  | {
      readonly type: 'next-hop';
      readonly real: IpAddress;
      readonly resolved: boolean;
      readonly detail: string;
    }
  /** Others have changed something that belongs to the plane. */
  | { readonly type: 'drift'; readonly found: string; readonly done: string }
  | { readonly type: 'warning'; readonly message: string };

export type PlaneEventListener = (event: PlaneEvent) => void;
