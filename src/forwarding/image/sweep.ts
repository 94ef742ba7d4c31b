import { flowHash, slotOfHash } from './flow-hash.ts';
import { type Expiry, expireFlows, type FlowVisitor } from './flow-scan.ts';
import { type ImageState, rangeOf, transitionRules } from './image-state.ts';
import { FLOW_STATE, SERVICE_KIND } from './layout.ts';
import { compactRing } from './place-slots.ts';
import { currentOf, settleRing } from './ring-transition.ts';
import { bucketKey, type ServiceRecord } from './service-record.ts';

export interface SweepSummary {
  readonly live: number;
  readonly expired: number;
  readonly slotsWritten: number;
  /** Slots still in transition, of all services. */
  readonly trackedSlots: number;
}

/** Remembered flows by real, as the last sweep found them. */
export interface FlowCounts {
  readonly active: Uint32Array;
  readonly inactive: Uint32Array;
}

/** What the scan needs of a ring in transition; `foreign` as settleRing has it. */
interface ChangingRing extends Pick<ServiceRecord, 'portMask' | 'firstSlot' | 'slotCount'> {
  readonly foreign: Uint8Array;
}

/** Expires flows, counts those that live, and ends the transitions that nothing holds up any more. */
export function sweepImage(
  state: ImageState,
  nowTick: number,
  counts: FlowCounts,
  busyBefore: ReadonlySet<number>,
): SweepSummary & Pick<Expiry, 'busy'> {
  counts.active.fill(0);
  counts.inactive.fill(0);
  const changing: ChangingRing[] = [];
  for (const { index, portMask, firstSlot, slotCount, transition } of state.records.values()) {
    if (transition) changing[index] = { portMask, firstSlot, slotCount, foreign: new Uint8Array(slotCount) };
  }
  const rules = { ...transitionRules(state, nowTick), timeouts: state.timeouts };
  const { slots } = state;
  const { hashKey } = state.settings;
  const visit: FlowVisitor = (client, portAndService, real, flowState) => {
    const list = flowState === FLOW_STATE.established ? counts.active : counts.inactive;
    list[real] = (list[real] as number) + 1;
    const ring = changing[portAndService & 0xffff];
    if (!ring) return;
    const hash = flowHash(client, (portAndService >>> 16) & ring.portMask, hashKey);
    const slot = slotOfHash(hash, ring.slotCount);
    if (currentOf(slots[ring.firstSlot + slot] as number) !== real) ring.foreign[slot] = 1;
  };
  const { live, expired, busy } = expireFlows(state.flows, rules, busyBefore, visit);
  let slotsWritten = 0;
  let trackedSlots = 0;
  for (const record of state.records.values()) {
    const { transition } = record;
    if (transition) {
      const { foreign } = changing[record.index] as ChangingRing;
      slotsWritten += settleRing(rangeOf(state, record), transition, foreign, rules);
      trackedSlots += transition.tracked;
      if (transition.tracked === 0) record.transition = undefined;
    }
    if (record.kind === SERVICE_KIND.hash) compact(state, record, nowTick);
  }
  return { live, expired, slotsWritten, trackedSlots, busy };
}

function compact(state: ImageState, record: ServiceRecord, nowTick: number): void {
  if (!compactRing(state, record, nowTick)) return;
  state.services.setRing(state.services.find(bucketKey(record.service)), record.firstSlot, record.slotCount);
}
