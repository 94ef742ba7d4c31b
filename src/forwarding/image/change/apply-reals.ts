// The changes to real entries when a table is applied: new reals before slots name them, retired ones afterwards.
import type { RealIndex } from '../../decision.ts';
import type { Real, Service, Tunnel } from '../../forwarding-table.ts';
import { tunnelOf } from '../../tunnel/kind.ts';
import { Delegate, schedulerFor } from '../choice/delegate.ts';
import type { ImageState } from '../image-state.ts';
import { isRetired } from '../tables/retired-services.ts';
import { isDelegated, type ServiceRecord, serviceKind } from '../tables/service-record.ts';
import type { ApplyRun } from './apply-run.ts';

/** Writes new reals and those that serve again, before any slot names them. */
export function writeReals(run: ApplyRun, record: ServiceRecord, service: Service): void {
  const { state, tally } = run;
  for (const real of service.reals) {
    const index = record.reals.get(real.address);
    if (index === undefined) addReal(run, record, { ...real, tunnel: tunnelOf(service, real) });
    else if (updateReal(state, index, { ...real, tunnel: tunnelOf(service, real) })) tally.reals.changed++;
    noteInhibited(state, record.reals.get(real.address) ?? 0, real);
  }
}

function noteInhibited(state: ImageState, index: RealIndex, { inhibited = false }: Real): void {
  if (inhibited) state.inhibited.add(index);
  else state.inhibited.delete(index);
}

/** Adds a new real, or one that is back before its flows have timed out. */
function addReal({ state, tally, hooks }: ApplyRun, record: ServiceRecord, real: TunnelledReal): void {
  const gone = record.goneReals.get(real.address);
  const index = gone ?? state.reals.add({ ...real, serviceIndex: record.index });
  record.reals.set(real.address, index);
  tally.reals.added++;
  if (gone !== undefined) {
    record.goneReals.delete(real.address);
    updateReal(state, index, real);
    // The real comes back with its service, and the counters of both start at 0.
    if (state.retired.reals.delete(index)) hooks.realAdded(index);
    return;
  }
  state.flows.counts.reset(index);
  hooks.realAdded(index);
}

type TunnelledReal = Real & { readonly tunnel: Tunnel };

function updateReal(state: ImageState, index: RealIndex, real: TunnelledReal): boolean {
  const { weight, serving } = state.reals.read(index);
  const tunnelChanged = state.reals.setTunnel(index, real.tunnel);
  if (weight !== real.weight) state.reals.setWeight(index, real.weight);
  if (real.serving && !serving) state.reals.setServing(index, true);
  return tunnelChanged || weight !== real.weight || serving !== real.serving;
}

/** Sets who chooses the real of the service's new flows from now on. The service's reals must be written. */
export function appointDelegate({ state, hashKey }: ApplyRun, record: ServiceRecord, service: Service): void {
  reviewOverloads(state, record, service);
  const scheduler = isDelegated(serviceKind(service))
    ? schedulerFor(service, hashKey, record.delegate)
    : undefined;
  const loads = { reals: state.reals, counts: state.flows.counts };
  record.delegate = scheduler && new Delegate(service, record.reals, { scheduler, loads });
}

/**
 * Reviews which reals are full under the new thresholds: one that may have more flows now is not full any more, one that has
 * reached its threshold is. The thresholds of an earlier run are not known.
 */
function reviewOverloads(state: ImageState, record: ServiceRecord, service: Service): void {
  const before = new Map(record.service.reals.map((real) => [real.address, real.upperThreshold ?? 0]));
  for (const { address, upperThreshold: upper = 0 } of service.reals) {
    const index = record.reals.get(address) ?? 0;
    const isRaised = upper === 0 || (!record.takenOver && upper > (before.get(address) ?? 0));
    const isFull = upper > 0 && flowsOf(state, index) >= upper;
    if (isRaised || isFull) state.reals.setOverloaded(index, isFull);
  }
}

/** Marks reals as not serving, after no slot names them any more. */
export function retireReals(run: ApplyRun, record: ServiceRecord, service: Service): void {
  const { state, tally } = run;
  const configured = new Map(service.reals.map((real) => [real.address, real]));
  for (const [address, index] of record.reals) {
    const real = configured.get(address);
    if (real?.serving) continue;
    if (state.reals.isServing(index)) {
      state.reals.setServing(index, false);
      tally.unserved = true;
    }
    if (real) continue;
    record.reals.delete(address);
    tally.reals.removed++;
    if (state.holdsFlows && flowsOf(state, index) > 0) record.goneReals.set(address, index);
    else state.reals.remove(index, run.nowTick);
  }
}

/** Releases the entries of deleted reals that have no flows, or whose flows are not held any more. */
export function releaseGoneReals(state: ImageState, nowTick: number): void {
  for (const { goneReals } of state.byIndex.values()) {
    for (const [address, index] of goneReals) {
      if (isRetired(state, index)) continue;
      if (state.holdsFlows && flowsOf(state, index) > 0) continue;
      state.reals.remove(index, nowTick);
      goneReals.delete(address);
    }
  }
}

function flowsOf({ flows: { counts } }: ImageState, index: RealIndex): number {
  return counts.active(index) + counts.inactive(index);
}
