// The sweep over the flow memory: expires flows, corrects counts and ends transitions, in small steps.
import { flowHash, slotOfHash } from '../../hashing/flow-hash.ts';
import { releaseGoneReals } from '../change/apply-reals.ts';
import { mendRing } from '../change/drift.ts';
import { expireFlows, type FlowVisitor, startExpiry } from '../flows/flow-scan.ts';
import { isTemplate } from '../flows/flow-state.ts';
import { type FlowTally, newTally, settleCounts, tallyFlow } from '../flows/flow-tally.ts';
import { expiryRules, type ImageState, rangeOf, serviceAt, transitionRules } from '../image-state.ts';
import { compactRing } from '../slots/place-slots.ts';
import { currentOf, settleRing, type Transition } from '../slots/ring-transition.ts';
import { SERVICE_KIND } from '../tables/layout.ts';
import { releaseRetired } from '../tables/retired-services.ts';
import { bucketKeys, type ServiceRecord } from '../tables/service-record.ts';
import {
  noteFlow,
  settleTemplates,
  startWatch,
  type TemplateWatch,
  watchTemplate,
} from './template-watch.ts';

export interface SweepSummary {
  readonly live: number;
  readonly expired: number;
  readonly slotsWritten: number;
  /** The number of slots still in transition, of all services. */
  readonly trackedSlots: number;
}

export interface SweepResult {
  readonly summary: SweepSummary;
  /** Input for the next sweep. */
  readonly memory: SweepMemory;
}

/** The results of a sweep that the next one needs. */
export interface SweepMemory {
  readonly busy: ReadonlySet<number>;
  readonly tally: FlowTally;
  readonly watch: TemplateWatch;
}

/** The data that the scan needs of a ring in transition; `foreign` is as in settleRing. */
interface ChangingRing extends Pick<ServiceRecord, 'portMask' | 'firstSlot' | 'slotCount'> {
  readonly transition: Transition;
  readonly foreign: Uint8Array;
}

export const NEVER_SWEPT: SweepMemory = { busy: new Set(), tally: newTally(), watch: startWatch() };

/**
 * Expires flows, counts the live ones, and ends the transitions that nothing holds up any more. Yields every few milliseconds;
 * tables may be applied in between, and a ring changed meanwhile waits for the next sweep.
 */
export function* sweepImage(
  state: ImageState,
  nowTick: number,
  before: SweepMemory,
): Generator<void, SweepResult> {
  const changing: ChangingRing[] = [];
  for (const { index, portMask, firstSlot, slotCount, transition } of state.byIndex.values()) {
    if (!transition) continue;
    changing[index] = { portMask, firstSlot, slotCount, transition, foreign: new Uint8Array(slotCount) };
  }
  const tally = newTally(state.flows.counts.copy());
  const watch = startWatch(before.watch);
  const visit = visitor(state, { tally, changing, watch, watched: before.watch });
  const expiry = startExpiry(before.busy);
  while (expireFlows(state.flows, expiryRules(state, nowTick), expiry, visit)) yield;
  settleCounts(state.flows.counts, tally, before.tally);
  const ended = settleTemplates(state.flows, before.watch, nowTick);
  releaseRetired(state, nowTick);
  releaseGoneReals(state, nowTick);
  const { live, busy } = expiry;
  const summary = {
    live: live - ended,
    expired: expiry.expired + ended,
    ...settle(state, changing, nowTick),
  };
  return { summary, memory: { busy, tally, watch } };
}

interface Visit {
  readonly tally: FlowTally;
  readonly changing: readonly ChangingRing[];
  /** The watch of this pass, and the one of the pass before. */
  readonly watch: TemplateWatch;
  readonly watched: TemplateWatch;
}

function visitor(state: ImageState, { tally, changing, watch, watched }: Visit): FlowVisitor {
  const { slots } = state;
  const { hashKey } = state.settings;
  return (flow) => {
    tallyFlow(tally, flow);
    if (isTemplate(flow.state)) {
      watchTemplate(watch, flow, serviceAt(state, flow.serviceIndex));
      return;
    }
    noteFlow(watched, flow, state);
    const ring = changing[flow.serviceIndex];
    if (!ring) return;
    const hash = flowHash(flow.client, flow.clientPort & ring.portMask, hashKey);
    const slot = slotOfHash(hash, ring.slotCount);
    if (currentOf(slots.words[ring.firstSlot + slot] as number) !== flow.real) ring.foreign[slot] = 1;
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
  for (const record of state.byIndex.values()) {
    const { transition } = record;
    const scanned = changing[record.index];
    if (transition && scanned?.transition === transition) {
      mendRing(state, record);
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
  for (const key of bucketKeys(record.service)) {
    state.services.setRing(state.services.find(key), record.firstSlot, record.slotCount);
  }
}
