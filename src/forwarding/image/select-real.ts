import type { Ipv6Address } from '../../net/ipv6-address.ts';
import type { RealIndex } from '../decision.ts';
import { flowHash, slotOfHash } from './flow-hash.ts';
import { type FlowSignal, firstFlowState, isOver, isUdp, nextFlowState, opensFlow } from './flow-state.ts';
import type { FlowHit, FlowKey, FlowTable } from './flow-table.ts';
import { FLOW_STATE, SERVICE_KIND, SLOT_REAL_BITS, SLOT_REAL_MASK, SLOT_TRACKED } from './layout.ts';

/** What a choice needs of a service: the fields of `struct service`. */
export interface SelectableService {
  readonly index: number;
  readonly kind: number;
  readonly portMask: number;
  readonly firstSlot: number;
  readonly slotCount: number;
}

/** The parts of an image that a choice reads and writes. */
export interface SelectionMemory {
  readonly hashKey: Uint32Array;
  readonly slots: Uint32Array;
  readonly flows: FlowTable;
  readonly cursors: BigUint64Array<ArrayBuffer>;
  isServing(real: RealIndex): boolean;
}

export interface FlowPacket extends FlowSignal {
  /** Client word; see client-word.ts. */
  readonly client: number;
  /** The address behind an IPv6 client's word. */
  readonly clientAddress?: Ipv6Address | undefined;
  readonly clientPort: number;
}

/**
 * How a real was found. `stable`: the ring slot has but one. `flow`: remembered. `current` and `fallback`: a tracked
 * slot, and the flow was not known. `turn`: the rotation's next. With real 0, `none`: no real serves it; `no-flow`:
 * a rotation service, and the packet belongs to no flow and opens none.
 */
export type SelectedBy = 'stable' | 'flow' | 'current' | 'fallback' | 'turn' | 'none' | 'no-flow';

export interface Selection {
  readonly real: RealIndex;
  readonly how: SelectedBy;
  /** Counts as a connection: a TCP opener that got a real, or a UDP flow now remembered. */
  readonly connection: boolean;
}

interface Choice {
  readonly real: RealIndex;
  readonly how: SelectedBy;
  readonly flow?: FlowKey;
  /** The entry that the flow has already, used or to be replaced. */
  readonly hit?: FlowHit | undefined;
}

/**
 * Chooses the real for one packet exactly as the fast path does, flow memory and cursor included:
 *
 * - hash service, slot not tracked: `current`; flow memory is not touched.
 * - hash service, tracked slot: a usable entry gives its real. Else TCP opener: `current`; any other packet: `fallback`
 *   if that serves, else `current`. The choice is remembered.
 * - rotation: a usable entry gives its real. Else TCP opener or UDP: the next turn, remembered; other TCP: none.
 * - An entry is usable if its real serves, unless it is over (CLOSE, TIME_WAIT) and the packet is an opener. An unusable one
 *   is replaced in place.
 * - A chosen real that is 0 or does not serve means none; then nothing is remembered. (The turn is taken all the same.)
 * - A RST is never first remembered. Hits are touched, see flow-table.ts.
 *
 * The fast path may hand a packet over after it has chosen (next hop unknown, too big): choosing again finds the entry.
 */
export function selectReal(
  memory: SelectionMemory,
  service: SelectableService,
  packet: FlowPacket,
  nowTick: number,
): Selection {
  const choice = choose(memory, service, packet, takeTurn);
  const opens = opensFlow(packet);
  if (choice.real === 0 || choice.flow === undefined) return selection(choice, opens);
  if (choice.how === 'flow') {
    const hit = choice.hit as FlowHit;
    memory.flows.touch(hit, nextFlowState(hit.state, packet), nowTick);
    return selection(choice, opens);
  }
  const remembered = remember(memory.flows, choice, packet, nowTick);
  return selection(choice, opens || (isUdp(packet) && remembered));
}

/** The same choice without any effect; `turn` names the real whose turn is next. */
export function previewReal(
  memory: SelectionMemory,
  service: SelectableService,
  packet: FlowPacket,
): Selection {
  return selection(choose(memory, service, packet, readTurn), false);
}

function selection(choice: Choice, connection: boolean): Selection {
  return { real: choice.real, how: choice.how, connection: connection && choice.real !== 0 };
}

function choose(
  memory: SelectionMemory,
  service: SelectableService,
  packet: FlowPacket,
  turn: (cursors: BigUint64Array<ArrayBuffer>, index: number) => bigint,
): Choice {
  if (service.kind === SERVICE_KIND.rotation) return chooseByTurn(memory, service, packet, turn);
  if (service.slotCount === 0) return { real: 0, how: 'none' };
  const hash = flowHash(packet.client, packet.clientPort & service.portMask, memory.hashKey);
  const slot = Atomics.load(memory.slots, service.firstSlot + slotOfHash(hash, service.slotCount));
  if (!(slot & SLOT_TRACKED)) return ifServing(memory, { real: slot & SLOT_REAL_MASK, how: 'stable' });
  return chooseTracked(memory, service, packet, slot);
}

function chooseTracked(
  memory: SelectionMemory,
  service: SelectableService,
  packet: FlowPacket,
  slot: number,
): Choice {
  const flow = memory.flows.keyOf(packet.client, packet.clientPort, service.index);
  const hit = memory.flows.find(flow);
  if (hit && usable(memory, hit, packet)) return { real: hit.real, how: 'flow', flow, hit };
  const fallback = (slot >>> SLOT_REAL_BITS) & SLOT_REAL_MASK;
  const opens = opensFlow(packet);
  if (!opens && memory.isServing(fallback)) return { real: fallback, how: 'fallback', flow, hit };
  return ifServing(memory, { real: slot & SLOT_REAL_MASK, how: 'current', flow, hit });
}

function chooseByTurn(
  memory: SelectionMemory,
  service: SelectableService,
  packet: FlowPacket,
  turn: (cursors: BigUint64Array<ArrayBuffer>, index: number) => bigint,
): Choice {
  const flow = memory.flows.keyOf(packet.client, packet.clientPort, service.index);
  const hit = memory.flows.find(flow);
  if (hit && usable(memory, hit, packet)) return { real: hit.real, how: 'flow', flow, hit };
  if (!isUdp(packet) && !opensFlow(packet)) return { real: 0, how: 'no-flow' };
  if (service.slotCount === 0) return { real: 0, how: 'none' };
  const position = Number(turn(memory.cursors, service.index) % BigInt(service.slotCount));
  const slot = Atomics.load(memory.slots, service.firstSlot + position);
  return ifServing(memory, { real: slot & SLOT_REAL_MASK, how: 'turn', flow, hit });
}

function usable(memory: SelectionMemory, hit: FlowHit, packet: FlowPacket): boolean {
  if (!memory.isServing(hit.real)) return false;
  const opens = opensFlow(packet);
  return !(opens && isOver(hit.state));
}

function ifServing(memory: SelectionMemory, choice: Choice): Choice {
  return memory.isServing(choice.real) ? choice : { real: 0, how: 'none' };
}

function remember(flows: FlowTable, choice: Choice, packet: FlowPacket, nowTick: number): boolean {
  const state = firstFlowState(packet);
  if (state === FLOW_STATE.none) return false;
  const next = { real: choice.real, state, nowTick };
  if (choice.hit) return flows.replace(choice.hit, next);
  return flows.insert(choice.flow as FlowKey, next, packet.clientAddress);
}

function takeTurn(cursors: BigUint64Array<ArrayBuffer>, index: number): bigint {
  return Atomics.add(cursors, index, 1n);
}

function readTurn(cursors: BigUint64Array<ArrayBuffer>, index: number): bigint {
  return Atomics.load(cursors, index);
}
