import type { ApplySummary } from '../../dataplane/data-plane.ts';
import { CulvertError } from '../../errors.ts';
import type { RealIndex } from '../decision.ts';
import type { ForwardingTable, Real, Service, Tunnel } from '../table.ts';
import { tunnelOf } from '../tunnel/kind.ts';
import { clearFlows, forgetUnserved } from './flow-scan.ts';
import { timeoutTicks } from './flow-timeouts.ts';
import { type ImageState, retentionRules } from './image-state.ts';
import { SERVICE_KIND } from './layout.ts';
import { type Placement, placeRing, placeRotation } from './place-slots.ts';
import { planChanges, type ServicePlan } from './plan.ts';
import {
  bucketKey,
  portMaskOf,
  recordKey,
  type ServiceRecord,
  serviceKind,
  vipKey,
} from './service-record.ts';
import type { BucketEntry } from './service-table.ts';
import { vipEntry } from './take-over.ts';

interface Tally {
  readonly services: { added: number; changed: number; removed: number };
  readonly reals: { added: number; changed: number; removed: number };
  slotsWritten: number;
  /** Reals that had flows may use them no more. */
  unserved: boolean;
}

export interface ApplyHooks {
  /** Told of each index that is given to a new real, whose counters start anew. */
  realAdded(index: RealIndex): void;
}

interface Run {
  readonly state: ImageState;
  readonly nowTick: number;
  readonly hashKey: Uint8Array;
  readonly rehashed: boolean;
  readonly hooks: ApplyHooks;
  readonly tally: Tally;
}

/**
 * Makes the image say what the table says. At each moment a packet finds a valid state: a real is written before a slot
 * names it and emptied after none does, and what flows may be under way is settled slot by slot (see ring-transition.ts).
 * @throws CulvertError CAPACITY, before anything has changed
 */
export function applyTable(
  state: ImageState,
  table: ForwardingTable,
  nowTick: number,
  hooks: ApplyHooks,
): ApplySummary {
  const plan = planChanges(state, table, nowTick);
  const tally: Tally = {
    services: { added: 0, changed: 0, removed: 0 },
    reals: { added: 0, changed: 0, removed: 0 },
    slotsWritten: 0,
    unserved: false,
  };
  const run: Run = { state, nowTick, hashKey: table.hashKey, rehashed: plan.rehashed, hooks, tally };
  state.timeouts = timeoutTicks(table.timeouts);
  if (plan.rehashed) {
    state.settings.setHashKey(table.hashKey);
    clearFlows(state.flows);
  }
  for (const record of plan.removed) removeService(run, record);
  for (const { service, record } of plan.services) if (!record) enterVip(state, service);
  for (const service of plan.services) applyService(run, service);
  leaveVips(state);
  if (tally.unserved) forgetUnserved(state.flows, retentionRules(state));
  return { services: tally.services, reals: tally.reals, slotsWritten: tally.slotsWritten };
}

function removeService({ state, nowTick, tally }: Run, record: ServiceRecord): void {
  const key = bucketKey(record.service);
  state.services.remove(state.services.find(key));
  state.vips.set(record.service.vip, (state.vips.get(record.service.vip) ?? 1) - 1);
  for (const index of record.reals.values()) state.reals.remove(index, nowTick);
  state.allocator.release(record.firstSlot, record.heldSlots, nowTick);
  state.records.delete(recordKey(record.service));
  state.byIndex.delete(record.index);
  state.serviceIndices.release(record.index, nowTick);
  tally.services.removed++;
  tally.reals.removed += record.reals.size;
  tally.unserved = true;
}

function enterVip(state: ImageState, { vip }: Service): void {
  const services = state.vips.get(vip);
  if (services === undefined) insert(state, vipEntry(vip));
  state.vips.set(vip, (services ?? 0) + 1);
}

function leaveVips(state: ImageState): void {
  for (const [vip, services] of state.vips) {
    if (services > 0) continue;
    state.services.remove(state.services.find(vipKey(vip)));
    state.vips.delete(vip);
  }
}

function applyService(run: Run, plan: ServicePlan): void {
  const { state, tally } = run;
  const record = plan.record ?? newRecord(state, plan.service);
  const changes = (): number =>
    tally.slotsWritten + tally.reals.added + tally.reals.changed + tally.reals.removed;
  const changesBefore = changes();
  writeReals(run, record, plan.service);
  const isRing = serviceKind(plan.service.scheduler) === SERVICE_KIND.hash;
  const placement = isRing ? placeRing(state, record, { ...run, plan }) : placeRotation(state, record, plan);
  tally.slotsWritten += placement.written;
  enterService(run, record, plan, placement);
  retireReals(run, record, plan.service);
  if (!plan.record) tally.services.added++;
  else if (!record.takenOver || changes() !== changesBefore) tally.services.changed++;
  record.service = plan.service;
  record.takenOver = false;
}

function newRecord(state: ImageState, service: Service): ServiceRecord {
  const index = state.serviceIndices.take();
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
    transition: undefined,
    takenOver: false,
  };
}

/** New reals, and those that serve again: before any slot names them. */
function writeReals({ state, tally, hooks }: Run, record: ServiceRecord, service: Service): void {
  for (const real of service.reals) {
    const index = record.reals.get(real.address);
    if (index !== undefined) {
      if (updateReal(state, index, { ...real, tunnel: tunnelOf(service, real) })) tally.reals.changed++;
      continue;
    }
    const added = state.reals.add({
      ...real,
      tunnel: tunnelOf(service, real),
      serviceIndex: record.index,
    });
    record.reals.set(real.address, added);
    state.flows.counts.reset(added);
    hooks.realAdded(added);
    tally.reals.added++;
  }
}

function updateReal(state: ImageState, index: RealIndex, real: Real & { readonly tunnel: Tunnel }): boolean {
  const { weight, serving } = state.reals.read(index);
  const tunnelChanged = state.reals.setTunnel(index, real.tunnel);
  if (weight !== real.weight) state.reals.setWeight(index, real.weight);
  if (real.serving && !serving) state.reals.setServing(index, true);
  return tunnelChanged || weight !== real.weight || serving !== real.serving;
}

/** Lets the service's entry name its slots, which are complete by now. */
function enterService(
  { state, nowTick }: Run,
  record: ServiceRecord,
  { service, record: known, rebuilt }: ServicePlan,
  placement: Placement,
): void {
  const moved = placement.firstSlot !== record.firstSlot || placement.slotCount !== record.slotCount;
  const held = { first: record.firstSlot, count: record.heldSlots };
  record.kind = serviceKind(service.scheduler);
  record.portMask = portMaskOf(service);
  record.firstSlot = placement.firstSlot;
  record.slotCount = placement.slotCount;
  record.heldSlots = placement.heldSlots;
  record.transition = placement.transition;
  const key = bucketKey(service);
  if (!known) {
    state.records.set(recordKey(service), record);
    state.byIndex.set(record.index, record);
  }
  // Kind and range can't change in one store. While the entry is missing, packets to the VIP take the slow path.
  if (rebuilt) state.services.remove(state.services.find(key));
  if (!known || rebuilt) insert(state, { ...record, ...key });
  else if (moved) state.services.setRing(state.services.find(key), record.firstSlot, record.slotCount);
  if (held.first !== record.firstSlot || rebuilt) state.allocator.release(held.first, held.count, nowTick);
}

/** Reals that serve no more: after no slot names them. */
function retireReals({ state, nowTick, tally }: Run, record: ServiceRecord, service: Service): void {
  const configured = new Map(service.reals.map((real) => [real.address, real]));
  for (const [address, index] of record.reals) {
    const real = configured.get(address);
    if (real?.serving) continue;
    if (state.reals.isServing(index)) {
      state.reals.setServing(index, false);
      tally.unserved = true;
    }
    if (real) continue;
    state.reals.remove(index, nowTick);
    record.reals.delete(address);
    tally.reals.removed++;
  }
}

function insert(state: ImageState, entry: BucketEntry): void {
  if (state.services.insert(entry)) return;
  throw new CulvertError('CAPACITY', "the plane's service table has no room for one of the services");
}
