// Keeps the flows of deleted services until they time out or the service is configured again.
import type { RealIndex } from '../../decision.ts';
import type { Service, ServiceKey } from '../../forwarding-table.ts';
import type { FlowPacket } from '../choice/selection.ts';
import { firstFlowState, isOver, opensFlow } from '../flows/flow-state.ts';
import { templateTicks } from '../flows/flow-timeouts.ts';
import type { ImageState } from '../image-state.ts';
import { REALS, SERVICES } from './layout.ts';
import type { Retired, RetiredService } from './retired.ts';
import { recordKey, recordKeys, type ServiceRecord } from './service-record.ts';

/** The time for which the reals of a returned service may come back one by one, as scripts of `ipvsadm -a` add them. */
const GRACE_TICKS = 50;
const WHILE_SERVICE_IS_AWAY = Number.POSITIVE_INFINITY;
/** The share of service and real indices that must stay free for new services. */
const LEAST_FREE = 1 / 4;

/**
 * Keeps the flows of a deleted service, as kernel IPVS does, so that they find their reals again when it is back: its index and
 * those of its reals with flows are not given out meanwhile.
 * @returns false if there is nothing to keep, or no room to keep it
 */
export function retireService(state: ImageState, record: ServiceRecord, nowTick: number): boolean {
  const { retired } = state;
  const all = [...record.goneReals, ...record.reals];
  const keepsAll = record.service.persistence !== undefined;
  const reals = new Map(all.filter(([, index]) => keepsAll || hasFlows(state, index)));
  if (reals.size === 0 || !hasRoom(state, nowTick)) return false;
  for (const [address, index] of all) {
    state.reals.setServing(index, false);
    if (reals.has(address)) retired.reals.set(index, WHILE_SERVICE_IS_AWAY);
    else state.reals.remove(index, nowTick);
  }
  const { service, index } = record;
  const templatesEndTick = nowTick + templateTicks(service);
  const entry = { service, index, reals, templatesEndTick };
  for (const key of recordKeys(service)) retired.services.set(key, entry);
  retired.byIndex.set(index, entry);
  return true;
}

/** Takes back what a service left when it was deleted, so that it continues with that. */
export function reviveService(
  { retired }: ImageState,
  service: Service,
  nowTick: number,
): RetiredService | undefined {
  const entry = retired.services.get(recordKey(service));
  if (entry?.service.port !== service.port) return undefined;
  forget(retired, entry);
  for (const index of entry.reals.values()) retired.reals.set(index, nowTick + GRACE_TICKS);
  return entry;
}

/** Returns true if a deleted real is kept because its service was deleted as well. */
export function isRetired({ retired }: Pick<ImageState, 'retired'>, index: RealIndex): boolean {
  return retired.reals.has(index);
}

/** Returns true if a packet to a port without a service belongs to a flow that waits for its service to come back. */
export function isAwaited(state: ImageState, destination: ServiceKey, packet: FlowPacket): boolean {
  const { services } = state.retired;
  const entry = services.get(recordKey(destination)) ?? services.get(recordKey({ ...destination, port: 0 }));
  if (entry === undefined) return false;
  const hit = state.flows.find(
    state.flows.keyOf({ ...packet, serviceIndex: entry.index }),
    firstFlowState(packet),
  );
  return hit !== undefined && !(opensFlow(packet) && isOver(hit.state));
}

/** Releases services without flows, and reals that did not come back with their service. */
export function releaseRetired(state: ImageState, nowTick: number): void {
  const { retired } = state;
  for (const [index, endTick] of retired.reals) if (nowTick >= endTick) retired.reals.delete(index);
  for (const entry of retired.byIndex.values()) {
    if (nowTick < entry.templatesEndTick || [...entry.reals.values()].some((index) => hasFlows(state, index)))
      continue;
    giveUp(state, entry, nowTick);
  }
}

/** Makes room at the cost of flows to deleted services, except those that are about to come back. */
export function giveUpRetired(state: ImageState, returning: readonly Service[], nowTick: number): void {
  const kept = new Set(returning.map(recordKey));
  for (const entry of state.retired.byIndex.values()) {
    if (!kept.has(recordKey(entry.service))) giveUp(state, entry, nowTick);
  }
}

function giveUp(state: ImageState, entry: RetiredService, nowTick: number): void {
  for (const index of entry.reals.values()) release(state, index, nowTick);
  forget(state.retired, entry);
  state.serviceIndices.release(entry.index, nowTick);
}

function forget(retired: Retired, { service, index }: RetiredService): void {
  for (const key of recordKeys(service)) retired.services.delete(key);
  retired.byIndex.delete(index);
}

function release(state: ImageState, index: RealIndex, nowTick: number): void {
  state.retired.reals.delete(index);
  state.reals.remove(index, nowTick);
}

function hasRoom({ serviceIndices, reals }: ImageState, nowTick: number): boolean {
  return (
    serviceIndices.available(nowTick) >= SERVICES * LEAST_FREE &&
    reals.available(nowTick) >= REALS * LEAST_FREE
  );
}

function hasFlows({ flows: { counts } }: ImageState, index: RealIndex): boolean {
  return counts.active(index) + counts.inactive(index) > 0;
}
