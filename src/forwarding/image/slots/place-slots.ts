// Places the ring or rotation of a service in the slot array.
import type { RealIndex } from '../../decision.ts';
import type { Service } from '../../forwarding-table.ts';
import { buildRing, ringSize } from '../../hashing/ring.ts';
import { mendRing } from '../change/drift.ts';
import type { ServicePlan } from '../change/service-plan.ts';
import { type ImageState, rangeOf, transitionRules } from '../image-state.ts';
import type { ServiceRecord } from '../tables/service-record.ts';
import {
  changeRing,
  copyRing,
  type RingRange,
  spread,
  type Transition,
  type TransitionRules,
  trackAll,
} from './ring-transition.ts';
import { SlotAllocator } from './slot-allocator.ts';

/** The place of a service's slots after they are written; the service's entry may name them now. */
export interface Placement {
  readonly firstSlot: number;
  readonly slotCount: number;
  readonly heldSlots: number;
  readonly transition: Transition | undefined;
  readonly written: number;
}

/** The placement of a service that needs no slots. */
export const NO_SLOTS: Placement = {
  firstSlot: 0,
  slotCount: 0,
  heldSlots: 0,
  transition: undefined,
  written: 0,
};

export interface PlacementContext {
  readonly plan: ServicePlan;
  readonly hashKey: Uint8Array;
  readonly rehashed: boolean;
  readonly nowTick: number;
}

/** Writes a ring: in place if its size stays, otherwise into the range allocated for it. */
export function placeRing(state: ImageState, record: ServiceRecord, context: PlacementContext): Placement {
  const { plan, nowTick } = context;
  const wanted = wantedReals(record, plan.service, context.hashKey);
  const old = rangeOf(state, record);
  const ring: RingRange = plan.range ? { slots: state.slots, ...plan.range } : old;
  const place = (transition: Transition | undefined, written: number): Placement => ({
    firstSlot: ring.first,
    slotCount: ring.count,
    heldSlots: ring.count,
    transition,
    written,
  });
  // With one-packet scheduling each packet is a flow of its own: there are no flows to keep.
  if ((!plan.record && !hasFlows(state, record)) || context.rehashed || plan.service.onePacket)
    return place(undefined, spread(ring, wanted));
  // A rotation remembers every flow. With a ring that hashed otherwise, or one that is back, at least the remembered flows stay.
  if (plan.rebuilt || !plan.record) return place(trackAll(ring, wanted, nowTick), ring.count);
  const before = plan.range ? copyRing(old, ring, record.transition) : record.transition;
  const { transition, written } = changeRing(ring, before, wanted, rulesAfter(state, context, record));
  return place(transition, written);
}

/**
 * Writes the ring of a delegated service, which serves only while the control plane is gone. Its slots are always stable, as all
 * its flows are remembered.
 */
export function placeFallback(
  state: ImageState,
  record: ServiceRecord,
  context: PlacementContext,
): Placement {
  const { plan, hashKey } = context;
  const wanted = wantedReals(record, plan.service, hashKey);
  const ring: RingRange = plan.range ? { slots: state.slots, ...plan.range } : rangeOf(state, record);
  const rules = { ...transitionRules(state, context.nowTick), isServing: () => false };
  const written = plan.range ? spread(ring, wanted) : changeRing(ring, undefined, wanted, rules).written;
  return {
    firstSlot: ring.first,
    slotCount: ring.count,
    heldSlots: ring.count,
    transition: undefined,
    written,
  };
}

/** Writes a rotation, in place where it fits: a mixture of two rotations is a rotation, too. */
export function placeRotation(state: ImageState, record: ServiceRecord, plan: ServicePlan): Placement {
  const turns = plan.rotation ?? [];
  const moves = plan.range !== undefined || plan.rebuilt;
  const firstSlot = plan.range?.first ?? (moves ? 0 : record.firstSlot);
  const reals = plan.service.reals.map(({ address }) => record.reals.get(address) ?? 0);
  let written = 0;
  turns.forEach((position, turn) => {
    const slot = reals[position] as RealIndex;
    if (state.slots.words[firstSlot + turn] === slot) return;
    state.slots.store(firstSlot + turn, slot);
    written++;
  });
  return {
    firstSlot,
    slotCount: turns.length,
    heldSlots: moves ? SlotAllocator.rounded(turns.length) : record.heldSlots,
    transition: undefined,
    written,
  };
}

/** Gives back the part of a ring that is larger than the service needs now, once all of the ring is stable. */
export function compactRing(state: ImageState, record: ServiceRecord, nowTick: number): boolean {
  const count = ringSize(record.service.reals.length);
  if (record.takenOver || record.transition || count >= record.slotCount) return false;
  const first = state.allocator.allocate(count, nowTick);
  if (first === undefined) return false;
  mendRing(state, record);
  const old = rangeOf(state, record);
  copyRing(old, { slots: state.slots, first, count }, undefined);
  record.firstSlot = first;
  record.slotCount = count;
  record.heldSlots = count;
  state.allocator.release(old.first, old.count, nowTick);
  return true;
}

/** Returns true if a new service has flows: it was deleted before and is back. */
function hasFlows({ flows: { counts } }: ImageState, { reals }: ServiceRecord): boolean {
  return [...reals.values()].some((index) => counts.active(index) + counts.inactive(index) > 0);
}

function wantedReals(record: ServiceRecord, service: Service, hashKey: Uint8Array): Uint16Array {
  const members = service.reals.map(({ address, weight, serving, hasWay = true }) => ({
    address,
    weight: serving && hasWay ? weight : 0,
  }));
  const indices = Uint16Array.from(members, ({ address }) => record.reals.get(address) ?? 0);
  const ring = buildRing(members, ringSize(members.length), hashKey);
  for (let slot = 0; slot < ring.length; slot++) ring[slot] = indices[ring[slot] as number] ?? 0;
  return ring;
}

/**
 * Returns the rules after the change. A real that the new table has failed or removed does not serve any more, though its entry
 * is emptied later.
 */
function rulesAfter(state: ImageState, context: PlacementContext, record: ServiceRecord): TransitionRules {
  const serving = new Set<RealIndex>();
  for (const real of context.plan.service.reals) {
    if (real.serving) serving.add(record.reals.get(real.address) ?? 0);
  }
  return { ...transitionRules(state, context.nowTick), isServing: (real) => serving.has(real) };
}
