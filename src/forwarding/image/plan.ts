import { CulvertError } from '../../errors.ts';
import { formatServiceName } from '../service-name.ts';
import type { ForwardingTable, Service } from '../table.ts';
import type { ImageState } from './image-state.ts';
import { REALS, SERVICE_BUCKETS, SERVICE_KIND, SERVICES } from './layout.ts';
import { ringSize } from './ring.ts';
import { roundRobin, weightedRotation } from './rotation.ts';
import {
  bucketKeys,
  portChange,
  portMaskOf,
  type RecordKey,
  recordKeys,
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
  /** Rotation: positions of the reals in turn. Undefined for all other kinds. */
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
 * @throws CulvertError CAPACITY or UNSUPPORTED; then nothing is set aside either.
 */
export function planChanges(state: ImageState, table: ForwardingTable, nowTick: number): Plan {
  const rehashed = !state.settings.hasHashKey(table.hashKey);
  checkPorts(table.services);
  const claims = claimRecords(state, table.services);
  const claimed = new Set(claims.values());
  const removed = [...state.byIndex.values()].filter((record) => !claimed.has(record));
  const changed = table.services.flatMap((service) => {
    const record = claims.get(service);
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

/** The records that services go on with: that of the same port, or what a former run left under another of its ports. */
function claimRecords(state: ImageState, services: readonly Service[]): Map<Service, ServiceRecord> {
  const claims = new Map<Service, ServiceRecord>();
  const claimed = new Set<ServiceRecord>();
  const claim = (service: Service, may: (record: ServiceRecord) => boolean): void => {
    const records = recordKeys(service).flatMap((key) => state.records.get(key) ?? []);
    const record = records.find((candidate) => !claimed.has(candidate) && may(candidate));
    if (record === undefined || claims.has(service)) return;
    claims.set(service, record);
    claimed.add(record);
  };
  for (const service of services) claim(service, (record) => record.service.port === service.port);
  for (const service of services) claim(service, (record) => record.takenOver);
  return claims;
}

function checkPorts(services: readonly Service[]): void {
  const owners = new Map<RecordKey, Service>();
  for (const service of services) {
    for (const key of recordKeys(service)) {
      const other = owners.get(key);
      if (other !== undefined)
        throw new CulvertError(
          'UNSUPPORTED',
          `${formatServiceName(other)} and ${formatServiceName(service)} have a port in common; give it to one of them`,
        );
      owners.set(key, service);
    }
  }
}

interface Change {
  readonly service: Service;
  readonly record: ServiceRecord | undefined;
}

function planService(state: ImageState, change: Change & { nowTick: number }): ServicePlan | undefined {
  const { service, record, nowTick } = change;
  const kind = serviceKind(service);
  const rebuilt = record !== undefined && (record.kind !== kind || record.portMask !== portMaskOf(service));
  const takesTurns = kind === SERVICE_KIND.rotation || kind === SERVICE_KIND.turns;
  const rotation = takesTurns ? rotationOf(service) : undefined;
  const slots = kind === SERVICE_KIND.rare ? 0 : (rotation?.length ?? ringSize(service.reals.length));
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
  const leaving = [
    ...removed.flatMap(({ service }) => bucketKeys(service)),
    ...changed.flatMap(({ service, record }) => (record ? portChange(record.service, service).leaving : [])),
  ];
  const coming = changed.flatMap(({ service, record }) =>
    record ? portChange(record.service, service).coming : bucketKeys(service),
  );
  if (state.services.fits([...[...newVips].map(vipKey), ...coming], leaving)) return;
  throw new CulvertError(
    'CAPACITY',
    `the plane's service table (${SERVICE_BUCKETS} places) has no room where one of the new services has to go; have fewer services`,
  );
}

function slotsExhausted(state: ImageState): CulvertError {
  return new CulvertError(
    'CAPACITY',
    `the rings of all services need more than the plane's ${state.slots.length} slots ` +
      `(${SlotAllocator.rounded(ringSize(1))} and more for each service that hashes or is scheduled by the slow path); raise director.capacity.slots or have fewer services`,
  );
}
