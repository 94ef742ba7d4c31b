import { flowHash, slotOfHash } from './flow-hash.ts';
import { type ExpiryRules, expireFlows, type FlowVisitor, startExpiry } from './flow-scan.ts';
import { type ImageState, rangeOf, transitionRules } from './image-state.ts';
import { FLOW_STATE, REALS, SERVICE_KIND } from './layout.ts';
import { compactRing } from './place-slots.ts';
import { currentOf, settleRing, type Transition } from './ring-transition.ts';
import { bucketKey, type ServiceRecord } from './service-record.ts';

export interface SweepSummary {
  readonly live: number;
  readonly expired: number;
  readonly slotsWritten: number;
  /** Slots still in transition, of all services. */
  readonly trackedSlots: number;
}

/** Remembered flows by real. */
export interface FlowCounts {
  readonly active: Uint32Array;
  readonly inactive: Uint32Array;
}

export interface SweepResult {
  readonly summary: SweepSummary;
  readonly counts: FlowCounts;
  /** For the next sweep. */
  readonly busy: ReadonlySet<number>;
}

/** What the scan needs of a ring in transition; `foreign` as settleRing has it. */
interface ChangingRing extends Pick<ServiceRecord, 'portMask' | 'firstSlot' | 'slotCount'> {
  readonly transition: Transition;
  readonly foreign: Uint8Array;
}

export function newFlowCounts(): FlowCounts {
  return { active: new Uint32Array(REALS), inactive: new Uint32Array(REALS) };
}

/**
 * Expires flows, counts those that live, and ends the transitions that nothing holds up any more. Yields every few
 * milliseconds; tables may be applied in between, and a ring that is changed meanwhile waits for the next sweep.
 */
export function* sweepImage(
  state: ImageState,
  nowTick: number,
  busyBefore: ReadonlySet<number>,
): Generator<void, SweepResult> {
  const counts = newFlowCounts();
  const changing: ChangingRing[] = [];
  for (const { index, portMask, firstSlot, slotCount, transition } of state.records.values()) {
    if (!transition) continue;
    changing[index] = { portMask, firstSlot, slotCount, transition, foreign: new Uint8Array(slotCount) };
  }
  const visit = visitor(state, counts, changing);
  const expiry = startExpiry(busyBefore);
  const rules = (): ExpiryRules => ({ ...transitionRules(state, nowTick), timeouts: state.timeouts });
  while (expireFlows(state.flows, rules(), expiry, visit)) yield;
  const { live, expired, busy } = expiry;
  return { summary: { live, expired, ...settle(state, changing, nowTick) }, counts, busy };
}

function visitor(state: ImageState, counts: FlowCounts, changing: readonly ChangingRing[]): FlowVisitor {
  const { slots } = state;
  const { hashKey } = state.settings;
  return (client, portAndService, real, flowState) => {
    const list = flowState === FLOW_STATE.established ? counts.active : counts.inactive;
    list[real] = (list[real] as number) + 1;
    const ring = changing[portAndService & 0xffff];
    if (!ring) return;
    const hash = flowHash(client, (portAndService >>> 16) & ring.portMask, hashKey);
    const slot = slotOfHash(hash, ring.slotCount);
    if (currentOf(slots[ring.firstSlot + slot] as number) !== real) ring.foreign[slot] = 1;
  };
}

function settle(
  state: ImageState,
  changing: readonly ChangingRing[],
  nowTick: number,
): Pick<SweepSummary, 'slotsWritten' | 'trackedSlots'> {
  const rules = transitionRules(state, nowTick);
  let slotsWritten = 0;
  let trackedSlots = 0;
  for (const record of state.records.values()) {
    const { transition } = record;
    const scanned = changing[record.index];
    if (transition && scanned?.transition === transition) {
      slotsWritten += settleRing(rangeOf(state, record), transition, scanned.foreign, rules);
      if (transition.tracked === 0) record.transition = undefined;
    }
    trackedSlots += transition?.tracked ?? 0;
    if (record.kind === SERVICE_KIND.hash) compact(state, record, nowTick);
  }
  return { slotsWritten, trackedSlots };
}

function compact(state: ImageState, record: ServiceRecord, nowTick: number): void {
  if (!compactRing(state, record, nowTick)) return;
  state.services.setRing(state.services.find(bucketKey(record.service)), record.firstSlot, record.slotCount);
}
