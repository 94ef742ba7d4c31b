// What a choice works with, and what it comes to.
import type { Ipv6Address } from '../../../net/address/ipv6-address.ts';
import type { RealIndex } from '../../decision.ts';
import { type FlowSignal, firstFlowState, isOver, isUdp, opensFlow } from '../flows/flow-state.ts';
import type { FlowHit, FlowKey, FlowTable } from '../flows/flow-table.ts';
import { FLOW_STATE } from '../tables/layout.ts';
import type { Delegate } from './delegate.ts';
import type { TemplatePlace } from './persistence-template.ts';

/** What a choice needs of a service: the fields of `struct service`. */
export interface SelectableService {
  readonly index: number;
  readonly kind: number;
  readonly portMask: number;
  readonly firstSlot: number;
  readonly slotCount: number;
  /** Of the kinds whose new flows the slow path schedules. */
  readonly delegate?: Delegate | undefined;
}

/** The parts of an image that a choice reads and writes. */
export interface SelectionMemory {
  readonly hashKey: Uint32Array;
  readonly slots: Uint32Array;
  readonly flows: FlowTable;
  readonly cursors: BigUint64Array<ArrayBuffer>;
  /** The flows of this real, which does not serve, are dropped until it is back; otherwise they get another one. */
  holdsFlowsOf(real: RealIndex): boolean;
  readonly random: () => number;
  isServing(real: RealIndex): boolean;
  /** New flows of a client go to the real that its template names. */
  mayFollowTemplate(real: RealIndex): boolean;
  /** TCP packets other than a SYN open flows, too. */
  readonly sloppyTcp: boolean;
}

export interface FlowPacket extends FlowSignal {
  /** Client word; see client-word.ts. */
  readonly client: number;
  /** The address behind an IPv6 client's word. */
  readonly clientAddress?: Ipv6Address | undefined;
  readonly clientPort: number;
  readonly servicePort?: number | undefined;
}

/**
 * How a real was found. `stable`: the ring slot has but one. `flow`: remembered. `current` and `fallback`: a tracked
 * slot, and the flow was not known. `turn`: the rotation's next. `scheduled`: a new flow, by the service's scheduler;
 * `template`: a new flow, by what is remembered of its client. With real 0, `none`: no real serves it; `no-flow`:
 * the service remembers all its flows, and the packet belongs to none and opens none; `held`: the flow's real is gone.
 */
export type SelectedBy =
  | 'stable'
  | 'flow'
  | 'current'
  | 'fallback'
  | 'turn'
  | 'scheduled'
  | 'template'
  | 'none'
  | 'no-flow'
  | 'held';

export interface Selection {
  readonly real: RealIndex;
  readonly how: SelectedBy;
  /** Counts as a connection: an opener that got a real, or a UDP flow now remembered. */
  readonly connection: boolean;
}

/** A choice, and what is to be done once it is really made. */
export interface Choice {
  readonly real: RealIndex;
  readonly how: SelectedBy;
  /** The flow that is remembered; undefined if none is. */
  readonly flow?: FlowKey | undefined;
  /** The entry that the flow has already, used or to be replaced. */
  readonly hit?: FlowHit | undefined;
  readonly template?: TemplatePlace | undefined;
  readonly commit?: (() => void) | undefined;
}

/** No usable entry tells the real. */
export interface UnknownFlow extends Pick<Choice, 'flow' | 'hit'> {
  readonly real?: undefined;
}

/** Whether a packet that belongs to no remembered flow begins one. */
export function beginsFlow({ sloppyTcp }: Pick<SelectionMemory, 'sloppyTcp'>, packet: FlowPacket): boolean {
  const isSloppy = sloppyTcp && packet.tcpFlags !== undefined && firstFlowState(packet) !== FLOW_STATE.none;
  return isUdp(packet) || opensFlow(packet) || isSloppy;
}

/** By a usable entry of the flow; else where the flow is to be remembered. */
export function recall(
  memory: SelectionMemory,
  service: SelectableService,
  packet: FlowPacket,
): Choice | UnknownFlow {
  const flow = memory.flows.keyOf({ ...packet, serviceIndex: service.index });
  const hit = memory.flows.find(flow, firstFlowState(packet));
  if (hit === undefined) return { flow };
  if (opensFlow(packet) && isOver(hit.state)) return { flow, hit };
  if (!memory.isServing(hit.real))
    return memory.holdsFlowsOf(hit.real) ? { real: 0, how: 'held' } : { flow, hit };
  return { real: hit.real, how: 'flow', flow, hit };
}
