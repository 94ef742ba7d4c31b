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

/** Expires flows, counts those that live, and ends the transitions that nothing holds up any more. */
export function sweepImage(
  state: ImageState,
  nowTick: number,
  counts: FlowCounts,
  busyBefore: ReadonlySet<number>,
): SweepSummary & Pick<Expiry, 'busy'> {
  counts.active.fill(0);
  counts.inactive.fill(0);
  const foreign = new Map<number, Uint8Array>();
  for (const record of state.records.values()) {
    if (record.transition) foreign.set(record.index, new Uint8Array(record.slotCount));
  }
  const rules = { ...transitionRules(state, nowTick), timeouts: state.timeouts };
  const visit: FlowVisitor = (client, portAndService, real, flowState) => {
    const list = flowState === FLOW_STATE.established ? counts.active : counts.inactive;
    list[real] = (list[real] as number) + 1;
    const marks = foreign.get(portAndService & 0xffff);
    if (marks) markForeign(state, marks, { client, portAndService, real });
  };
  const { live, expired, busy } = expireFlows(state.flows, rules, busyBefore, visit);
  let slotsWritten = 0;
  let trackedSlots = 0;
  for (const record of state.records.values()) {
    const { transition } = record;
    if (transition) {
      slotsWritten += settleRing(
        rangeOf(state, record),
        transition,
        foreign.get(record.index) as Uint8Array,
        rules,
      );
      trackedSlots += transition.tracked;
      if (transition.tracked === 0) record.transition = undefined;
    }
    if (record.kind === SERVICE_KIND.hash) compact(state, record, nowTick);
  }
  return { live, expired, slotsWritten, trackedSlots, busy };
}

function markForeign(
  state: ImageState,
  marks: Uint8Array,
  flow: { client: number; portAndService: number; real: number },
): void {
  const record = state.byIndex.get(flow.portAndService & 0xffff) as ServiceRecord;
  const port = (flow.portAndService >>> 16) & record.portMask;
  const slot = slotOfHash(flowHash(flow.client, port, state.settings.hashKey), record.slotCount);
  if (currentOf(state.slots[record.firstSlot + slot] as number) !== flow.real) marks[slot] = 1;
}

function compact(state: ImageState, record: ServiceRecord, nowTick: number): void {
  if (!compactRing(state, record, nowTick)) return;
  state.services.setRing(state.services.find(bucketKey(record.service)), record.firstSlot, record.slotCount);
}
