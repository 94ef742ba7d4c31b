// What a data plane is: it forwards as a table says, counts, and lists flows.
import type { Explanation } from '../forwarding/decision.ts';
import type { FlowStateName } from '../forwarding/flow-states.ts';
import type { ForwardingTable, Port, Service, ServiceKey } from '../forwarding/forwarding-table.ts';
import type { ApplySummary } from '../forwarding/image/change/apply-run.ts';
import type { Reason } from '../forwarding/reasons.ts';
import type { IpAddress } from '../net/address/ip-address.ts';
import type { CheckConnector } from './check-connector.ts';

/** Where packets are forwarded: the XDP program, the in-process network, or (later) the kernel's IPVS. */
export interface DataPlane {
  readonly kind: 'xdp' | 'simulated';
  /** One line for the operator: `xdp, native mode on eth0`. */
  readonly description: string;
  /** Opens the connections of health checks, through the tunnel or direct. */
  readonly connector: CheckConnector;

  /**
   * Makes the plane forward as `table` says, changing only what differs. Idempotent.
   * @throws CulvertError CAPACITY or UNSUPPORTED, before anything has changed.
   */
  apply(table: ForwardingTable): Promise<ApplySummary>;
  /**
   * Has VIP traffic come in by these interfaces and no others from now on; planes without interfaces have no such thing.
   * @throws CulvertError INTERFACE, ALREADY_RUNNING, XDP_OCCUPIED, before anything has changed
   */
  useInterfaces?(names: readonly string[]): Promise<void>;
  /**
   * Looks for what others have changed behind the plane's back, puts it back and tells of it by `drift` events; planes that
   * nobody else can reach have no such thing. Planes do so of their own accord, too, every 10 s or so.
   */
  mendDrift?(): void;
  /** What the plane holds now, also before the first `apply`: what a former run left is taken over. */
  services(): readonly Service[];
  /** The key that its rings and flows are made with; undefined before the first `apply` to a plane that forwarded nothing. */
  keyInUse(): Uint8Array | undefined;
  counters(): Promise<PlaneCounters>;
  flows(filter?: FlowFilter): AsyncIterable<FlowRecord>;
  /** What would become of this IP packet; changes nothing. */
  explain(packet: Uint8Array): Explanation;
  /** Ends the control; forwarding goes on where the plane lives outside the process. */
  close(): Promise<void>;
  /** Ends forwarding too and leaves nothing behind. */
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
  /** Remembered flows by what they count for in IPVS: established or half-open, and all others. Stateless flows are in neither. */
  readonly activeFlows: number;
  readonly inactiveFlows: number;
  /** False: the real may have flows that are not remembered, and so in neither number. */
  readonly flowsKnown: boolean;
  /** Until they are known, at the latest; undefined: they are, or nothing ends that. */
  readonly flowsKnownInMs: number | undefined;
  /** Clients, or networks of clients, that persistence keeps at this real. */
  readonly persistentClients: number;
  /** It is the director itself, whose own stack its packets are given to. */
  readonly local?: boolean;
  /** There is no way to it: no route, or a next hop that does not answer. */
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
  /** Those that it dropped instead, because a flood had used up what the slow path is handed in a tick. */
  readonly overBudget: number;
}

export interface FlowFilter {
  readonly service?: ServiceKey;
  readonly real?: IpAddress;
  readonly client?: IpAddress;
  /** All clients in the network of this size that `client` lies in. */
  readonly prefixLength?: number;
  readonly state?: FlowStateName;
}

export interface FlowRecord {
  readonly service: ServiceKey;
  /** Of a template: the client's network. Undefined where it is not noted yet, see flow-table.ts. */
  readonly client: IpAddress | undefined;
  /** 0 for a template, which stands for all ports. */
  readonly clientPort: Port;
  readonly real: IpAddress;
  readonly state: FlowStateName;
  readonly idleMs: number;
  /** Until it is forgotten, should nothing come. */
  readonly leftMs: number;
}

/** What a plane tells of its own accord; the director turns it into events and log lines. */
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
  /** Others have changed what is the plane's own. */
  | { readonly type: 'drift'; readonly found: string; readonly done: string }
  | { readonly type: 'warning'; readonly message: string };

export type PlaneEventListener = (event: PlaneEvent) => void;
