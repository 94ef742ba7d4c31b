// Reads back the image that an earlier run left, so that forwarding continues unchanged.
import type { IpAddress } from '../../../net/address/ip-address.ts';
import type { RealIndex } from '../../decision.ts';
import type { BlackholePolicy, SchedulerName, Service } from '../../forwarding-table.ts';
import { createScheduler } from '../../schedulers/create-scheduler.ts';
import { sameTunnel } from '../../tunnel/kind.ts';
import { Delegate } from '../choice/delegate.ts';
import { forgiveStandstill } from '../flows/flow-scan.ts';
import { recount } from '../flows/flow-tally.ts';
import { type ImageState, listNoClients, rangeOf } from '../image-state.ts';
import { findTransition, restartWindows } from '../slots/ring-transition.ts';
import { SlotAllocator } from '../slots/slot-allocator.ts';
import { IndexPool } from '../tables/index-pool.ts';
import { SERVICE_KIND, SERVICES } from '../tables/layout.ts';
import type { RealFields } from '../tables/real-table.ts';
import {
  isDelegated,
  protocolName,
  recordKeys,
  type ServiceRecord,
  vipKey,
} from '../tables/service-record.ts';
import type { BucketEntry } from '../tables/service-table.ts';
import { keyBytes } from '../tables/settings.ts';

/** The policy until the first table arrives. Image memory does not hold it, as only the slow path needs it. */
const ASSUMED_BLACKHOLE: BlackholePolicy = { policy: 'cure', after: 2 };

/**
 * Reads what an earlier run left in the image, so that forwarding continues and the next table is compared with it. Frees what a
 * run that was killed in the middle of a change left without a name.
 */
export function takeOver(state: ImageState): void {
  state.services.own.adopt(0, state.services.own.length);
  state.reals.own.adopt(0, state.reals.own.length);
  state.settings.own.adopt(0, state.settings.own.length);
  const entries = [...state.services.entries()];
  const reals = realsByService(state);
  const markers = new Set(entries.filter(({ kind }) => kind === SERVICE_KIND.vip).map(({ vip }) => vip));
  for (const [index, ports] of portsByService(entries)) adopt(state, ports, reals.get(index) ?? []);
  for (const [index, orphans] of reals) {
    if (state.byIndex.has(index)) continue;
    for (const real of orphans) state.reals.remove(real, state.settings.now);
  }
  for (const vip of markers) {
    if (!state.vips.has(vip)) state.services.remove(state.services.find(vipKey(vip)));
  }
  for (const vip of state.vips.keys()) {
    if (!markers.has(vip)) state.services.insert(vipEntry(vip));
    state.claims.set(vip, state.services.claim(state.services.find(vipKey(vip))));
  }
  state.serviceIndices = new IndexPool(SERVICES, (index) => state.byIndex.has(index));
  listNoClients(state);
  if (entries.length > 0) recount(state.flows);
}

/**
 * Adjusts idle times to the present, as the image's clock stood still. Must be called first after a take-over, once the time is
 * known.
 */
export function resume(state: ImageState, nowTick: number): void {
  const stoppedTick = state.settings.now;
  const ticks = (nowTick - stoppedTick) | 0;
  if (ticks > 0) {
    state.settings.setNow(nowTick);
    forgiveStandstill(state.flows, stoppedTick, ticks);
  }
  for (const record of state.byIndex.values()) {
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

/** Returns the entries of each service by its index, one for each port. */
function portsByService(entries: readonly BucketEntry[]): Map<number, BucketEntry[]> {
  const services = new Map<number, BucketEntry[]>();
  for (const entry of entries) {
    if (entry.kind === SERVICE_KIND.vip) continue;
    const ports = services.get(entry.index);
    if (ports) ports.push(entry);
    else services.set(entry.index, [entry]);
  }
  return services;
}

function adopt(state: ImageState, ports: readonly BucketEntry[], indices: readonly number[]): void {
  const [entry, ...others] = ports as [BucketEntry, ...BucketEntry[]];
  const fields = indices.map((index) => state.reals.read(index));
  const service = assumedService(entry, others, fields);
  const reals = new Map(fields.map(({ address, index }) => [address, index]));
  const record: ServiceRecord = {
    index: entry.index,
    kind: entry.kind,
    portMask: entry.portMask,
    firstSlot: entry.firstSlot,
    slotCount: entry.slotCount,
    heldSlots: SlotAllocator.rounded(entry.slotCount),
    service,
    reals,
    goneReals: new Map(),
    delegate: isDelegated(entry.kind) ? assumedDelegate(state, service, reals) : undefined,
    transition: undefined,
    takenOver: true,
  };
  if (record.kind === SERVICE_KIND.hash) {
    record.transition = findTransition(rangeOf(state, record));
  }
  for (const other of others) alignPort(state, entry, other);
  state.allocator.reserve(record.firstSlot, record.heldSlots);
  state.slots.adopt(record.firstSlot, record.firstSlot + record.heldSlots);
  for (const key of recordKeys(record.service)) state.records.set(key, record);
  state.byIndex.set(record.index, record);
  state.vips.set(entry.vip, (state.vips.get(entry.vip) ?? 0) + 1);
}

/**
 * Makes a further port's entry match the first: a killed run may have changed only some of them. An entry of another kind is
 * removed, and the next table adds it again.
 */
function alignPort(state: ImageState, first: BucketEntry, other: BucketEntry): void {
  const bucket = state.services.find(other);
  if (other.kind !== first.kind || other.portMask !== first.portMask) state.services.remove(bucket);
  else state.services.setRing(bucket, first.firstSlot, first.slotCount);
}

function assumedDelegate(
  state: ImageState,
  service: Service,
  reals: ReadonlyMap<IpAddress, RealIndex>,
): Delegate {
  const scheduler = createScheduler(service, keyBytes(state.settings.hashKey));
  return new Delegate(service, reals, {
    scheduler,
    loads: { reals: state.reals, counts: state.flows.counts },
  });
}

const ASSUMED_SCHEDULERS: Readonly<Record<number, SchedulerName>> = {
  [SERVICE_KIND.hash]: 'mh',
  [SERVICE_KIND.delegated]: 'wlc',
  [SERVICE_KIND.rare]: 'wlc',
};

function assumedService(
  entry: BucketEntry,
  others: readonly BucketEntry[],
  reals: readonly RealFields[],
): Service {
  const weights = new Set(reals.map(({ weight }) => weight).filter((weight) => weight > 0));
  const rotation = weights.size > 1 ? 'wrr' : 'rr';
  const tunnel = reals[0]?.tunnel ?? { type: 'ipip' };
  return {
    vip: entry.vip,
    protocol: protocolName(entry.protocol),
    port: entry.port,
    ...(others.length > 0 && { morePorts: others.map(({ port }) => port) }),
    scheduler: ASSUMED_SCHEDULERS[entry.kind] ?? rotation,
    ...(entry.kind === SERVICE_KIND.turns && { onePacket: true }),
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
