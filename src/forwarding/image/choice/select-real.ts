// Chooses the real for one packet by the rules that fast path and slow path share.
import { flowHash, slotOfHash } from '../../hashing/flow-hash.ts';
import { firstFlowState, isUdp, nextFlowState, opensFlow } from '../flows/flow-state.ts';
import type { FlowHit, FlowTable } from '../flows/flow-table.ts';
import {
  FLOW_STATE,
  type FlowState,
  SERVICE_KIND,
  SLOT_REAL_BITS,
  SLOT_REAL_MASK,
  SLOT_TRACKED,
} from '../tables/layout.ts';
import { noteTemplate } from './persistence-template.ts';
import { chooseDelegated } from './select-delegated.ts';
import {
  beginsFlow,
  type Choice,
  type FlowPacket,
  recall,
  type SelectableService,
  type SelectedBy,
  type Selection,
  type SelectionMemory,
} from './selection.ts';

export type { FlowPacket, SelectableService, SelectedBy, Selection, SelectionMemory } from './selection.ts';

/**
 * Chooses the real for one packet as the fast path does where it chooses, flow memory and cursor included:
 *
 * 1. Hash service, slot not tracked: `current`. Flow memory is not touched.
 * 2. Hash service, tracked slot: a usable entry gives its real. Otherwise a TCP opener gets `current`; any other packet gets
 *   `fallback` if that serves, otherwise `current`. The choice is remembered.
 * 3. Rotation: a usable entry gives its real. Otherwise a TCP opener or UDP gets the next turn, which is remembered. Other TCP
 *   gets none; with `sloppyTcp` the slow path gives it the next turn as well.
 * 4. Turns: the next turn; nothing is remembered.
 * 5. Delegated and rare: a usable entry gives its real. Only the slow path knows the rest, see select-delegated.ts.
 * 6. An entry is usable if its real serves, unless it is over (CLOSE, FIN_WAIT, TIME_WAIT) and the packet is an opener. An
 *   unusable entry is replaced in place. Where flows are held, an entry whose real does not serve means none, and the entry
 *   stays.
 * 7. A chosen real that is 0 or does not serve means none, and nothing is remembered. (The turn is used up all the same.)
 * 8. A RST never creates an entry. Hits are touched, see flow-table.ts.
 *
 * The fast path hands over what it cannot carry out, such as an entry whose real does not serve, and changes nothing. It may also
 * hand a packet over after it has chosen (next hop unknown, too big): choosing again finds the entry.
 */
export function selectReal(
  memory: SelectionMemory,
  service: SelectableService,
  packet: FlowPacket,
  nowTick: number,
): Selection {
  const choice = choose(memory, service, packet, { nowTick, turn: takeTurn });
  const opens = opensFlow(packet);
  if (choice.real === 0) return selection(choice, false);
  if (choice.how === 'flow') {
    const hit = choice.hit as FlowHit;
    memory.flows.touch(hit, nextFlowState(hit.state, packet), nowTick, packet.clientAddress);
    return selection(choice, opens);
  }
  choice.commit?.();
  const wasOverloaded = service.delegate?.isOverloaded(choice.real) ?? false;
  const remembered = remember(memory.flows, choice, packet, nowTick);
  if (choice.template) noteTemplate(memory.flows, choice.template, { real: choice.real, nowTick });
  if (remembered) service.delegate?.noteFlow(choice.real, wasOverloaded);
  return selection(choice, opens || (remembered && (isUdp(packet) || NEW_FLOW.has(choice.how))));
}

/** The ways of choosing that make a TCP packet other than an opener the first of its flow. */
const NEW_FLOW: ReadonlySet<SelectedBy> = new Set(['turn', 'scheduled', 'template']);

/** Makes the same choice without any effect; `turn` names the real whose turn is next. */
export function previewReal(
  memory: SelectionMemory,
  service: SelectableService,
  packet: FlowPacket,
  nowTick = 0,
): Selection {
  return selection(choose(memory, service, packet, { nowTick, turn: readTurn }), false);
}

function selection(choice: Choice, connection: boolean): Selection {
  return { real: choice.real, how: choice.how, connection: connection && choice.real !== 0 };
}

interface Moment {
  readonly nowTick: number;
  readonly turn: (cursors: BigUint64Array<ArrayBuffer>, index: number) => bigint;
}

function choose(
  memory: SelectionMemory,
  service: SelectableService,
  packet: FlowPacket,
  moment: Moment,
): Choice {
  switch (service.kind) {
    case SERVICE_KIND.rotation:
      return chooseByTurn(memory, service, packet, moment);
    case SERVICE_KIND.turns:
      return nextTurn(memory, service, moment);
    case SERVICE_KIND.delegated:
    case SERVICE_KIND.rare:
      return chooseDelegated(memory, service, packet, moment.nowTick);
    default:
      return chooseByHash(memory, service, packet);
  }
}

function chooseByHash(memory: SelectionMemory, service: SelectableService, packet: FlowPacket): Choice {
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
  const known = recall(memory, service, packet);
  if (known.real !== undefined) return known;
  const fallback = (slot >>> SLOT_REAL_BITS) & SLOT_REAL_MASK;
  if (!opensFlow(packet) && memory.isServing(fallback))
    return { real: fallback, how: 'fallback', flow: known.flow, hit: known.hit };
  return ifServing(memory, { real: slot & SLOT_REAL_MASK, how: 'current', flow: known.flow, hit: known.hit });
}

function chooseByTurn(
  memory: SelectionMemory,
  service: SelectableService,
  packet: FlowPacket,
  moment: Moment,
): Choice {
  const known = recall(memory, service, packet);
  if (known.real !== undefined) return known;
  if (!beginsFlow(memory, packet)) return { real: 0, how: 'no-flow' };
  const choice = nextTurn(memory, service, moment);
  return choice.real === 0 ? choice : { ...choice, flow: known.flow, hit: known.hit };
}

function nextTurn(memory: SelectionMemory, service: SelectableService, { turn }: Moment): Choice {
  if (service.slotCount === 0) return { real: 0, how: 'none' };
  const position = Number(turn(memory.cursors, service.index) % BigInt(service.slotCount));
  const slot = Atomics.load(memory.slots, service.firstSlot + position);
  return ifServing(memory, { real: slot & SLOT_REAL_MASK, how: 'turn' });
}

function ifServing(memory: SelectionMemory, choice: Choice): Choice {
  return memory.isServing(choice.real) ? choice : { real: 0, how: 'none' };
}

function remember(flows: FlowTable, choice: Choice, packet: FlowPacket, nowTick: number): boolean {
  const state = stateToRemember(choice, packet);
  if (choice.flow === undefined || state === FLOW_STATE.none) return false;
  const next = { real: choice.real, state, nowTick };
  if (choice.hit) return flows.replace(choice.hit, next, packet.clientAddress);
  return flows.insert(choice.flow, next, packet.clientAddress);
}

/** Returns the state to remember. A flow that `sloppyTcp` begins with a FIN is over, as in kernel IPVS. */
function stateToRemember({ how }: Choice, packet: FlowPacket): FlowState {
  const state = firstFlowState(packet);
  return state === FLOW_STATE.finWait && NEW_FLOW.has(how) ? FLOW_STATE.close : state;
}

function takeTurn(cursors: BigUint64Array<ArrayBuffer>, index: number): bigint {
  return Atomics.add(cursors, index, 1n);
}

function readTurn(cursors: BigUint64Array<ArrayBuffer>, index: number): bigint {
  return Atomics.load(cursors, index);
}
