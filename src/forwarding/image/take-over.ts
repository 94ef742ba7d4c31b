import type { IpAddress } from '../../net/ip-address.ts';
import type { BlackholePolicy, Service } from '../table.ts';
import { sameTunnel } from '../tunnel/kind.ts';
import { forgiveStandstill } from './flow-scan.ts';
import { recount } from './flow-tally.ts';
import { type ImageState, rangeOf } from './image-state.ts';
import { IndexPool } from './index-pool.ts';
import { SERVICE_KIND, SERVICES } from './layout.ts';
import type { RealFields } from './real-table.ts';
import { findTransition, restartWindows } from './ring-transition.ts';
import { protocolName, recordKey, type ServiceRecord, vipKey } from './service-record.ts';
import type { BucketEntry } from './service-table.ts';
import { SlotAllocator } from './slot-allocator.ts';

/** Memory does not hold the policy; it is the slow path's, which has it from the first table on. */
const ASSUMED_BLACKHOLE: BlackholePolicy = { policy: 'cure', after: 2 };

/**
 * Reads what a former run left in the image, so that forwarding goes on as it is and the next table is compared with it.
 * What a run that was killed in the middle of a change left unnamed is freed.
 */
export function takeOver(state: ImageState): void {
  const entries = [...state.services.entries()];
  const reals = realsByService(state);
  const markers = new Set(entries.filter(({ kind }) => kind === SERVICE_KIND.vip).map(({ vip }) => vip));
  for (const entry of entries) {
    if (entry.kind !== SERVICE_KIND.vip) adopt(state, entry, reals.get(entry.index) ?? []);
  }
  for (const [index, orphans] of reals) {
    if (state.byIndex.has(index)) continue;
    for (const real of orphans) state.reals.remove(real, state.settings.now);
  }
  for (const vip of markers) {
    if (!state.vips.has(vip)) state.services.remove(state.services.find(vipKey(vip)));
  }
  for (const vip of state.vips.keys()) {
    if (!markers.has(vip)) state.services.insert(vipEntry(vip));
  }
  state.serviceIndices = new IndexPool(SERVICES, (index) => state.byIndex.has(index));
  if (entries.length > 0) recount(state.flows);
}

/** The first thing to do with what was taken over, once the time is known: the image's clock stood still meanwhile. */
export function resume(state: ImageState, nowTick: number): void {
  const stoppedTick = state.settings.now;
  const ticks = (nowTick - stoppedTick) | 0;
  if (ticks > 0) {
    state.settings.setNow(nowTick);
    forgiveStandstill(state.flows, stoppedTick, ticks);
  }
  for (const record of state.records.values()) {
    if (record.transition) restartWindows(rangeOf(state, record), record.transition, nowTick);
  }
}

export function vipEntry(vip: IpAddress): BucketEntry {
  return { ...vipKey(vip), kind: SERVICE_KIND.vip, index: 0, portMask: 0, firstSlot: 0, slotCount: 0 };
}

function realsByService(state: ImageState): Map<number, number[]> {
  const reals = new Map<number, number[]>();
  for (const index of state.reals.used()) {
    const service = state.reals.read(index).serviceIndex;
    const list = reals.get(service);
    if (list) list.push(index);
    else reals.set(service, [index]);
  }
  return reals;
}

function adopt(state: ImageState, entry: BucketEntry, indices: readonly number[]): void {
  const fields = indices.map((index) => state.reals.read(index));
  const record: ServiceRecord = {
    index: entry.index,
    kind: entry.kind,
    portMask: entry.portMask,
    firstSlot: entry.firstSlot,
    slotCount: entry.slotCount,
    heldSlots: SlotAllocator.rounded(entry.slotCount),
    service: assumedService(entry, fields),
    reals: new Map(fields.map(({ address, index }) => [address, index])),
    transition: undefined,
    takenOver: true,
  };
  if (record.kind === SERVICE_KIND.hash) {
    record.transition = findTransition(rangeOf(state, record));
  }
  state.allocator.reserve(record.firstSlot, record.heldSlots);
  state.records.set(recordKey(record.service), record);
  state.byIndex.set(record.index, record);
  state.vips.set(entry.vip, (state.vips.get(entry.vip) ?? 0) + 1);
}

function assumedService(entry: BucketEntry, reals: readonly RealFields[]): Service {
  const weights = new Set(reals.map(({ weight }) => weight).filter((weight) => weight > 0));
  const rotation = weights.size > 1 ? 'wrr' : 'rr';
  const tunnel = reals[0]?.tunnel ?? { type: 'ipip' };
  return {
    vip: entry.vip,
    protocol: protocolName(entry.protocol),
    port: entry.port,
    scheduler: entry.kind === SERVICE_KIND.hash ? 'mh' : rotation,
    hashOn: entry.kind === SERVICE_KIND.hash && entry.portMask === 0 ? 'source' : 'flow',
    tunnel,
    blackhole: ASSUMED_BLACKHOLE,
    reals: reals.map(({ address, weight, serving, tunnel: own }) => ({
      address,
      weight,
      serving,
      ...(!sameTunnel(own, tunnel) && { tunnel: own }),
    })),
  };
}
