// Applies a forwarding table to the image while packets are forwarded.
import type { ForwardingTable, Service } from '../../forwarding-table.ts';
import { clearFlows, forgetUnserved } from '../flows/flow-scan.ts';
import { timeoutTicks } from '../flows/flow-timeouts.ts';
import { type ImageState, listNoClients, retentionRules } from '../image-state.ts';
import { NO_SLOTS, type Placement, placeFallback, placeRing, placeRotation } from '../slots/place-slots.ts';
import { SERVICE_KIND } from '../tables/layout.ts';
import { retireService, reviveService } from '../tables/retired-services.ts';
import { bucketKeys, recordKeys, type ServiceRecord, serviceKind } from '../tables/service-record.ts';
import { appointDelegate, releaseGoneReals, retireReals, writeReals } from './apply-reals.ts';
import type { ApplyHooks, ApplyRun, ApplySummary, ApplyTally } from './apply-run.ts';
import { mendRing, mendTables } from './drift.ts';
import { claimVips, enterService, enterVip, leavePorts, leaveVips } from './enter-service.ts';
import { planChanges, type ServicePlan } from './service-plan.ts';

/**
 * Makes the image match the table. Packets find a valid state at each moment: a real is written before a slot names it and
 * emptied after none does; flows under way are handled slot by slot (see ring-transition.ts).
 * @throws CulvertError CAPACITY or UNSUPPORTED, before anything has changed
 */
export function applyTable(
  state: ImageState,
  table: ForwardingTable,
  nowTick: number,
  hooks: ApplyHooks,
): ApplySummary {
  mendTables(state);
  const plan = planChanges(state, table, { nowTick, settle: () => hooks.settle() });
  const tally: ApplyTally = {
    services: { added: 0, changed: 0, removed: 0 },
    reals: { added: 0, changed: 0, removed: 0 },
    slotsWritten: 0,
    unserved: false,
  };
  const run: ApplyRun = { state, nowTick, hashKey: table.hashKey, rehashed: plan.rehashed, hooks, tally };
  state.timeouts = timeoutTicks(table.timeouts);
  if (state.holdsFlows && table.expireNodestConn !== false) tally.unserved = true;
  state.holdsFlows = table.expireNodestConn === false;
  state.expiresQuiescentTemplates = table.expireQuiescentTemplate === true;
  state.sloppyTcp = table.sloppyTcp === true;
  if (plan.rehashed) {
    state.settings.setHashKey(table.hashKey);
    clearFlows(state.flows);
  }
  for (const record of plan.removed) removeService(run, record);
  for (const service of plan.services) leavePorts(state, service);
  for (const { service, record } of plan.services) if (!record) enterVip(state, service);
  for (const service of plan.services) applyService(run, service);
  leaveVips(state);
  claimVips(state, table.services);
  const sameVips = plan.removed.length === 0 && plan.services.every(({ record }) => record !== undefined);
  if (!sameVips || plan.rehashed) listNoClients(state);
  releaseGoneReals(state, nowTick);
  if (tally.unserved) forgetUnserved(state.flows, retentionRules(state));
  return { services: tally.services, reals: tally.reals, slotsWritten: tally.slotsWritten };
}

function removeService({ state, nowTick, tally }: ApplyRun, record: ServiceRecord): void {
  for (const key of bucketKeys(record.service)) state.services.remove(state.services.find(key));
  state.vips.set(record.service.vip, (state.vips.get(record.service.vip) ?? 1) - 1);
  if (!retireService(state, record, nowTick)) {
    for (const index of [...record.reals.values(), ...record.goneReals.values()])
      state.reals.remove(index, nowTick);
    state.serviceIndices.release(record.index, nowTick);
  }
  state.allocator.release(record.firstSlot, record.heldSlots, nowTick);
  for (const key of recordKeys(record.service)) state.records.delete(key);
  state.byIndex.delete(record.index);
  tally.services.removed++;
  tally.reals.removed += record.reals.size;
  tally.unserved = true;
}

function applyService(run: ApplyRun, plan: ServicePlan): void {
  const { state, tally } = run;
  const record = plan.record ?? newRecord(state, plan.service, run.nowTick);
  const changes = (): number =>
    tally.slotsWritten + tally.reals.added + tally.reals.changed + tally.reals.removed;
  const changesBefore = changes();
  mendRing(state, record);
  writeReals(run, record, plan.service);
  appointDelegate(run, record, plan.service);
  const placement = place(run, record, plan);
  tally.slotsWritten += placement.written;
  enterService(state, record, plan, { placement, nowTick: run.nowTick });
  retireReals(run, record, plan.service);
  if (!plan.record) tally.services.added++;
  else if (!record.takenOver || changes() !== changesBefore) tally.services.changed++;
  record.service = plan.service;
  record.takenOver = false;
}

function place(run: ApplyRun, record: ServiceRecord, plan: ServicePlan): Placement {
  const kind = serviceKind(plan.service);
  if (kind === SERVICE_KIND.rare) return NO_SLOTS;
  const context = { ...run, plan };
  if (kind === SERVICE_KIND.delegated) return placeFallback(run.state, record, context);
  return kind === SERVICE_KIND.hash
    ? placeRing(run.state, record, context)
    : placeRotation(run.state, record, plan);
}

function newRecord(state: ImageState, service: Service, nowTick: number): ServiceRecord {
  const before = reviveService(state, service, nowTick);
  const index = before?.index ?? state.serviceIndices.take();
  state.cursors[index] = 0n;
  return {
    index,
    kind: SERVICE_KIND.empty,
    portMask: 0,
    firstSlot: 0,
    slotCount: 0,
    heldSlots: 0,
    service,
    reals: new Map(),
    goneReals: new Map(before?.reals),
    delegate: undefined,
    transition: undefined,
    takenOver: false,
  };
}
