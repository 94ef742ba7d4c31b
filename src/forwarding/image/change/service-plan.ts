// Plans the changes that a new table needs, and allocates memory for them, before anything is written.
import { CulvertError } from '../../../errors.ts';
import type { ForwardingTable, Service } from '../../forwarding-table.ts';
import { formatServiceName } from '../../service-name.ts';
import { forgetUnserved } from '../flows/flow-scan.ts';
import { type ImageState, retentionRules } from '../image-state.ts';
import { REALS, REUSE_DELAY_TICKS, SERVICE_BUCKETS, SERVICES } from '../tables/layout.ts';
import { giveUpRetired } from '../tables/retired-services.ts';
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
} from '../tables/service-record.ts';
import { requireCapacity, rotationOf, slotsOf } from './needs.ts';

/** The changes that one service of the new table needs. */
export interface ServicePlan {
  readonly service: Service;
  /** The service's record; undefined if the service is new. */
  readonly record: ServiceRecord | undefined;
  /** True when kind or hash changes, so that the slots mean something else and are rewritten. */
  readonly rebuilt: boolean;
  /** The positions of the reals in turn; undefined for all kinds other than rotation. */
  readonly rotation: readonly number[] | undefined;
  /** The range allocated for the service; undefined when it stays where it is. */
  readonly range: { readonly first: number; readonly count: number } | undefined;
}

export interface Plan {
  readonly rehashed: boolean;
  readonly removed: readonly ServiceRecord[];
  /** New or changed services only. */
  readonly services: readonly ServicePlan[];
}

export interface PlanContext {
  readonly nowTick: number;
  /** The same as in `ApplyHooks`. */
  readonly settle: () => boolean;
}

/**
 * Compares the table with the image and allocates the memory that the difference needs; writes nothing.
 * @throws CulvertError CAPACITY or UNSUPPORTED; then nothing is allocated either
 */
export function planChanges(state: ImageState, table: ForwardingTable, context: PlanContext): Plan {
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
  checkIndices(state, changed, { ...context, table });
  checkBuckets(state, changed, { removed, table });
  const services: ServicePlan[] = [];
  for (const { service, record } of changed) {
    const plan = planService(state, { service, record, ...context });
    if (plan === undefined) {
      for (const { range } of services) if (range) state.allocator.cancel(range.first, range.count);
      requireCapacity(table.services, state.slots.length);
      throw slotsExhausted(state, service);
    }
    services.push(plan);
  }
  return { rehashed, removed, services };
}

/**
 * Finds the record that each service continues: the one of the same port, or one that an earlier run left under another of its
 * ports.
 */
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
          `${formatServiceName(other)} and ${formatServiceName(service)} have a port in common; fix: give it to one of them`,
        );
      owners.set(key, service);
    }
  }
}

interface Change {
  readonly service: Service;
  readonly record: ServiceRecord | undefined;
}

function planService(state: ImageState, change: Change & PlanContext): ServicePlan | undefined {
  const { service, record, nowTick, settle } = change;
  const kind = serviceKind(service);
  const rebuilt = record !== undefined && (record.kind !== kind || record.portMask !== portMaskOf(service));
  const rotation = rotationOf(service);
  const slots = slotsOf(service, rotation);
  const stays = record !== undefined && !rebuilt && slots <= record.heldSlots;
  if (stays || slots === 0) return { service, record, rebuilt, rotation, range: undefined };
  const first =
    state.allocator.allocate(slots, nowTick) ?? allocateRetired(state, slots, { nowTick, settle });
  return first === undefined
    ? undefined
    : { service, record, rebuilt, rotation, range: { first, count: slots } };
}

/**
 * Checks that enough indices are free. The table fits an empty image, so what is missing here is retired, or held for flows of
 * deleted reals.
 */
function checkIndices(
  state: ImageState,
  changed: readonly Change[],
  context: PlanContext & { readonly table: ForwardingTable },
): void {
  const newServices = changed.filter(({ record }) => record === undefined).length;
  const newReals = changed.reduce((sum, { service, record }) => {
    const known = service.reals.filter(({ address }) => record?.reals.has(address));
    return sum + service.reals.length - known.length;
  }, 0);
  const { nowTick, settle, table } = context;
  const fits = (tick: number): boolean =>
    newServices <= state.serviceIndices.available(tick) && newReals <= state.reals.available(tick);
  if (fits(nowTick)) return;
  giveUpRetired(state, table.services, nowTick);
  if (settle()) {
    // A packet under way may have remembered a flow on a deleted real.
    forgetUnserved(state.flows, retentionRules(state));
    if (fits(nowTick + REUSE_DELAY_TICKS)) return;
  }
  requireCapacity(table.services, state.slots.length);
  throw new CulvertError(
    'CAPACITY',
    `the change needs ${newServices} new services and ${newReals} new reals beside those that are in use; a plane takes ` +
      `${SERVICES - 1} and ${REALS - 1}; fix: remove the old ones first, and add the new ones 5 s later`,
  );
}

/** Allocates from ranges that were retired a moment ago, as soon as no packet can read them any more. */
function allocateRetired(
  state: ImageState,
  slots: number,
  { nowTick, settle }: PlanContext,
): number | undefined {
  if (!state.allocator.hasRetired || !settle()) return undefined;
  return state.allocator.allocate(slots, nowTick + REUSE_DELAY_TICKS);
}

function checkBuckets(
  state: ImageState,
  changed: readonly Change[],
  { removed, table }: { readonly removed: readonly ServiceRecord[]; readonly table: ForwardingTable },
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
  requireCapacity(table.services, state.slots.length);
  throw new CulvertError(
    'CAPACITY',
    `the plane's service table (${SERVICE_BUCKETS} places) has no room for one of the new services; fix: use fewer services`,
  );
}

/**
 * Returns the error for a full slot array. The table fits an empty image, but a service moves to a new range beside its former
 * one.
 */
function slotsExhausted(state: ImageState, service: Service): CulvertError {
  const wanted = slotsOf(service);
  return new CulvertError(
    'CAPACITY',
    `no ${wanted} adjoining ring slots are free beside those in use, of ${state.slots.length} (director.capacity.slots); ` +
      `fix: raise it (with a keepalived.conf: --set capacity.slots=${2 * state.slots.length}) and restart, or remove the service and add it again 5 s later`,
    { where: formatServiceName(service) },
  );
}
