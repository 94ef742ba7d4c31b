import { CulvertError } from '../../errors.ts';
import type { ForwardingTable, Service } from '../table.ts';
import type { ImageState } from './image-state.ts';
import { REALS, SERVICE_BUCKETS, SERVICE_KIND, SERVICES } from './layout.ts';
import { ringSize } from './ring.ts';
import { roundRobin, weightedRotation } from './rotation.ts';
import {
  bucketKey,
  portMaskOf,
  recordKey,
  type ServiceRecord,
  sameService,
  serviceKind,
  vipKey,
} from './service-record.ts';
import { SlotAllocator } from './slot-allocator.ts';

/** What one service of the new table needs. */
export interface ServicePlan {
  readonly service: Service;
  /** Undefined: the service is new. */
  readonly record: ServiceRecord | undefined;
  /** True when kind or hash changes, so that its slots mean something else and are written anew. */
  readonly rebuilt: boolean;
  /** Rotation: positions of the reals in turn. Undefined for a ring. */
  readonly rotation: readonly number[] | undefined;
  /** A range allocated for it; undefined when it stays where it is. */
  readonly range: { readonly first: number; readonly count: number } | undefined;
}

export interface Plan {
  readonly rehashed: boolean;
  readonly removed: readonly ServiceRecord[];
  /** New or changed services only. */
  readonly services: readonly ServicePlan[];
}

/**
 * Compares the table with what the image holds and sets aside the memory that the difference needs; writes nothing.
 * @throws CulvertError CAPACITY; then nothing is set aside either.
 */
export function planChanges(state: ImageState, table: ForwardingTable, nowTick: number): Plan {
  const rehashed = !state.settings.hasHashKey(table.hashKey);
  const wanted = new Map(table.services.map((service) => [recordKey(service), service]));
  const removed = [...state.records].filter(([key]) => !wanted.has(key)).map(([, record]) => record);
  const changed = [...wanted].flatMap(([key, service]) => {
    const record = state.records.get(key);
    const same = record && !record.takenOver && !rehashed && sameService(record.service, service);
    return same ? [] : [{ service, record }];
  });
  checkIndices(state, changed, nowTick);
  checkBuckets(state, changed, removed);
  const services: ServicePlan[] = [];
  for (const { service, record } of changed) {
    const plan = planService(state, { service, record, nowTick });
    if (plan === undefined) {
      for (const { range } of services) if (range) state.allocator.cancel(range.first, range.count);
      throw slotsExhausted(state);
    }
    services.push(plan);
  }
  return { rehashed, removed, services };
}

interface Change {
  readonly service: Service;
  readonly record: ServiceRecord | undefined;
}

function planService(state: ImageState, change: Change & { nowTick: number }): ServicePlan | undefined {
  const { service, record, nowTick } = change;
  const kind = serviceKind(service.scheduler);
  const rebuilt = record !== undefined && (record.kind !== kind || record.portMask !== portMaskOf(service));
  const rotation = kind === SERVICE_KIND.rotation ? rotationOf(service) : undefined;
  const slots = rotation?.length ?? ringSize(service.reals.length);
  const stays = record !== undefined && !rebuilt && slots <= record.heldSlots;
  if (stays || slots === 0) return { service, record, rebuilt, rotation, range: undefined };
  const first = state.allocator.allocate(slots, nowTick);
  return first === undefined
    ? undefined
    : { service, record, rebuilt, rotation, range: { first, count: slots } };
}

function rotationOf(service: Service): readonly number[] {
  const weights = service.reals.map(({ weight, serving }) => (serving ? weight : 0));
  return service.scheduler === 'wrr' ? weightedRotation(weights) : roundRobin(weights);
}

function checkIndices(state: ImageState, changed: readonly Change[], nowTick: number): void {
  const newServices = changed.filter(({ record }) => record === undefined).length;
  if (newServices > state.serviceIndices.available(nowTick)) {
    throw new CulvertError(
      'CAPACITY',
      `the table has more services than the plane's ${SERVICES - 1}; have fewer, or apply the change in two steps a few seconds apart`,
    );
  }
  let newReals = 0;
  for (const { service, record } of changed) {
    for (const { address } of service.reals) if (!record?.reals.has(address)) newReals++;
  }
  if (newReals > state.reals.available(nowTick)) {
    throw new CulvertError(
      'CAPACITY',
      `the table has more reals than the plane's ${REALS - 1} (one for each service and real); have fewer, or apply the change in two steps a few seconds apart`,
    );
  }
}

function checkBuckets(
  state: ImageState,
  changed: readonly Change[],
  removed: readonly ServiceRecord[],
): void {
  const added = changed.filter(({ record }) => record === undefined).map(({ service }) => service);
  const newVips = new Set(added.map(({ vip }) => vip).filter((vip) => !state.vips.has(vip)));
  const leaving = removed.map(({ service }) => bucketKey(service));
  if (state.services.fits([...[...newVips].map(vipKey), ...added.map(bucketKey)], leaving)) return;
  throw new CulvertError(
    'CAPACITY',
    `the plane's service table (${SERVICE_BUCKETS} places) has no room where one of the new services has to go; have fewer services`,
  );
}

function slotsExhausted(state: ImageState): CulvertError {
  return new CulvertError(
    'CAPACITY',
    `the rings of all services need more than the plane's ${state.slots.length} slots ` +
      `(${SlotAllocator.rounded(ringSize(1))} and more for each mh service); raise director.capacity.slots or have fewer services`,
  );
}
