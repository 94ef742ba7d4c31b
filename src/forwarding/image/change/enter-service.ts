// Enters services, ports and VIPs in the service table, and removes them.
import { CulvertError } from '../../../errors.ts';
import type { Service } from '../../forwarding-table.ts';
import type { ImageState } from '../image-state.ts';
import type { Placement } from '../slots/place-slots.ts';
import {
  bucketKeys,
  portChange,
  portMaskOf,
  recordKeys,
  type ServiceRecord,
  serviceKind,
  vipKey,
} from '../tables/service-record.ts';
import type { BucketEntry } from '../tables/service-table.ts';
import type { ServicePlan } from './service-plan.ts';
import { vipEntry } from './take-over.ts';

export function enterVip(state: ImageState, { vip }: Service): void {
  const services = state.vips.get(vip);
  if (services === undefined) {
    insert(state, vipEntry(vip));
    state.claims.set(vip, 'always');
  }
  state.vips.set(vip, (services ?? 0) + 1);
}

/** Removes the VIPs that no service has any more. */
export function leaveVips(state: ImageState): void {
  for (const [vip, services] of state.vips) {
    if (services > 0) continue;
    state.services.remove(state.services.find(vipKey(vip)));
    state.vips.delete(vip);
    state.claims.delete(vip);
  }
}

/** Sets who claims each VIP, as its services say. */
export function claimVips(state: ImageState, services: readonly Service[]): void {
  for (const { vip, claim = 'always' } of services) {
    if (state.claims.get(vip) === claim) continue;
    state.services.setClaim(state.services.find(vipKey(vip)), claim);
    state.claims.set(vip, claim);
  }
}

/** Removes the ports that the service does not have any more; another service of the new table may have them. */
export function leavePorts(state: ImageState, { service, record }: ServicePlan): void {
  if (record === undefined) return;
  for (const key of portChange(record.service, service).leaving) {
    state.services.remove(state.services.find(key));
  }
  for (const key of recordKeys(record.service)) state.records.delete(key);
}

/** Makes the service's entries name its slots, which are complete by now. */
export function enterService(
  state: ImageState,
  record: ServiceRecord,
  { service, record: known, rebuilt }: ServicePlan,
  { placement, nowTick }: { readonly placement: Placement; readonly nowTick: number },
): void {
  const moved = placement.firstSlot !== record.firstSlot || placement.slotCount !== record.slotCount;
  const held = { first: record.firstSlot, count: record.heldSlots };
  record.kind = serviceKind(service);
  record.portMask = portMaskOf(service);
  record.firstSlot = placement.firstSlot;
  record.slotCount = placement.slotCount;
  record.heldSlots = placement.heldSlots;
  record.transition = placement.transition;
  for (const key of recordKeys(service)) state.records.set(key, record);
  if (!known) state.byIndex.set(record.index, record);
  for (const key of bucketKeys(service)) {
    const bucket = state.services.find(key);
    // Kind and range cannot change in one store. While the entry is missing, packets to the VIP take the slow path.
    if (bucket >= 0 && rebuilt) state.services.remove(bucket);
    if (bucket < 0 || rebuilt) insert(state, { ...record, ...key });
    else if (moved) state.services.setRing(bucket, record.firstSlot, record.slotCount);
  }
  if (held.first !== record.firstSlot || rebuilt) state.allocator.release(held.first, held.count, nowTick);
}

function insert(state: ImageState, entry: BucketEntry): void {
  if (state.services.insert(entry)) return;
  throw new CulvertError('CAPACITY', "the plane's service table has no room for one of the services");
}
