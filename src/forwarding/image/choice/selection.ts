// The types of a choice of a real, and the steps that all kinds of services share.
import type { Ipv6Address } from '../../../net/address/ipv6-address.ts';
import type { RealIndex } from '../../decision.ts';
import { type FlowSignal, firstFlowState, isOver, isUdp, opensFlow } from '../flows/flow-state.ts';
import type { FlowHit, FlowKey, FlowTable } from '../flows/flow-table.ts';
import { FLOW_STATE } from '../tables/layout.ts';
import type { Delegate } from './delegate.ts';
import type { TemplatePlace } from './persistence-template.ts';

/** The fields of a service that a choice needs, as in `struct service`. */
export interface SelectableService {
  readonly index: number;
  readonly kind: number;
  readonly portMask: number;
  readonly firstSlot: number;
  readonly slotCount: number;
  /** Chooses for services whose new flows the slow path schedules; undefined for other kinds. */
  readonly delegate?: Delegate | undefined;
}

/** The parts of an image that a choice reads and writes. */
export interface SelectionMemory {
  readonly hashKey: Uint32Array;
  readonly slots: Uint32Array;
  readonly flows: FlowTable;
  readonly cursors: BigUint64Array<ArrayBuffer>;
  /**
   * Returns true if the flows of this real, which does not serve, are dropped until it is back; otherwise they get another real.
   */
  holdsFlowsOf(real: RealIndex): boolean;
  readonly random: () => number;
  isServing(real: RealIndex): boolean;
  /** Returns true if new flows of a client may go to the real that its template names. */
  mayFollowTemplate(real: RealIndex): boolean;
  /** True if TCP packets other than a SYN open flows as well. */
  readonly sloppyTcp: boolean;
}

export interface FlowPacket extends FlowSignal {
  /** The client word; see client-word.ts. */
  readonly client: number;
  /** The address of an IPv6 client, which its word stands for. */
  readonly clientAddress?: Ipv6Address | undefined;
  readonly clientPort: number;
  readonly servicePort?: number | undefined;
}

/**
 * The way in which a real was found.
 * - `stable`: the ring slot names only this real.
 * - `flow`: the flow is remembered.
 * - `current`, `fallback`: the slot is tracked and the flow was not known.
 * - `turn`: the next turn of the rotation.
 * - `scheduled`: a new flow, by the service's scheduler.
 * - `template`: a new flow, by its client's persistence template.
 *
 * With real 0:
 * - `none`: no real serves it.
 * - `no-flow`: the service remembers all its flows, and the packet belongs to none and opens none.
 * - `held`: the flow's real is deleted.
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
  /** True if the packet counts as a connection: an opener that got a real, or a UDP flow that is now remembered. */
  readonly connection: boolean;
}

/** A choice, and the writes that follow when it is carried out. */
export interface Choice {
  readonly real: RealIndex;
  readonly how: SelectedBy;
  /** The key to remember the flow under; undefined if it is not remembered. */
  readonly flow?: FlowKey | undefined;
  /** The existing entry of the flow, used or to be replaced. */
  readonly hit?: FlowHit | undefined;
  readonly template?: TemplatePlace | undefined;
  readonly commit?: (() => void) | undefined;
}

/** The result of a lookup that found no usable entry. */
export interface UnknownFlow extends Pick<Choice, 'flow' | 'hit'> {
  readonly real?: undefined;
}

/** Returns true if a packet that belongs to no remembered flow begins one. */
export function beginsFlow({ sloppyTcp }: Pick<SelectionMemory, 'sloppyTcp'>, packet: FlowPacket): boolean {
  const isSloppy = sloppyTcp && packet.tcpFlags !== undefined && firstFlowState(packet) !== FLOW_STATE.none;
  return isUdp(packet) || opensFlow(packet) || isSloppy;
}

/** Returns the choice by a usable entry of the flow, otherwise the place where the flow is to be remembered. */
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
