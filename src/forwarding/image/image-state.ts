// The image in parts, with what the control plane keeps beside it.
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { RealIndex } from '../decision.ts';
import { type Claim, DEFAULT_TIMEOUTS, type Service } from '../forwarding-table.ts';
import { flowHash, slotOfHash } from '../hashing/flow-hash.ts';
import type { ExpiryRules, ScannedFlow } from './flows/flow-scan.ts';
import { FlowTable } from './flows/flow-table.ts';
import { type FlowTimeoutTicks, longestRingTimeout, timeoutTicks } from './flows/flow-timeouts.ts';
import { isTracked, type RingRange, type TransitionRules } from './slots/ring-transition.ts';
import { SlotAllocator } from './slots/slot-allocator.ts';
import { IndexPool } from './tables/index-pool.ts';
import { SERVICE_KIND, SERVICES } from './tables/layout.ts';
import type { ImageMemory } from './tables/memory.ts';
import { NoClients } from './tables/no-clients.ts';
import { OwnWords } from './tables/own-words.ts';
import { RealTable } from './tables/real-table.ts';
import { noneRetired, type Retired } from './tables/retired.ts';
import type { RecordKey, ServiceRecord } from './tables/service-record.ts';
import { ServiceTable } from './tables/service-table.ts';
import { Settings } from './tables/settings.ts';

/** The image in parts, with what the control plane keeps beside it. `apply`, `sweep` and take-over work on this. */
export interface ImageState {
  readonly settings: Settings;
  readonly services: ServiceTable;
  readonly noClients: NoClients;
  readonly reals: RealTable;
  readonly slots: OwnWords;
  readonly flows: FlowTable;
  readonly cursors: BigUint64Array<ArrayBuffer>;
  readonly allocator: SlotAllocator;
  serviceIndices: IndexPool;
  /** The record of a service, under each of its ports. */
  readonly records: Map<RecordKey, ServiceRecord>;
  readonly byIndex: Map<number, ServiceRecord>;
  /** The number of services of each VIP. */
  readonly vips: Map<IpAddress, number>;
  /** The claim of each VIP, as its entry says. */
  readonly claims: Map<IpAddress, Claim>;
  /** The director's own addresses. */
  hostAddresses: ReadonlySet<IpAddress>;
  timeouts: FlowTimeoutTicks;
  /** True if flows of a deleted real are held until it is back. */
  holdsFlows: boolean;
  /** See `ForwardingTable.expireQuiescentTemplate` and `sloppyTcp`. */
  expiresQuiescentTemplates: boolean;
  sloppyTcp: boolean;
  /** Reals whose flows are never held; see `Real.inhibited`. */
  readonly inhibited: Set<RealIndex>;
  readonly retired: Retired;
}

export function openState(memory: ImageMemory): ImageState {
  const settings = new Settings(memory.settings);
  const slots = new OwnWords(memory.slots);
  return {
    settings,
    services: new ServiceTable(memory.services),
    noClients: new NoClients(memory.noClients),
    reals: new RealTable(memory.reals),
    slots,
    flows: new FlowTable(memory, settings.hashKey),
    cursors: new BigUint64Array(memory.cursors, 0, SERVICES),
    allocator: new SlotAllocator(slots.length),
    serviceIndices: new IndexPool(1, () => false),
    records: new Map(),
    byIndex: new Map(),
    vips: new Map(),
    claims: new Map(),
    hostAddresses: new Set(),
    timeouts: timeoutTicks(DEFAULT_TIMEOUTS),
    holdsFlows: false,
    expiresQuiescentTemplates: false,
    sloppyTcp: false,
    inhibited: new Set(),
    retired: noneRetired(),
  };
}

/** Writes for the fast path which addresses no client has. Call it whenever these addresses or the hash key change. */
export function listNoClients({ noClients, vips, hostAddresses, settings }: ImageState): void {
  noClients.set([...vips.keys(), ...hostAddresses], settings.hashKey);
}

/** Returns the service of a flow, which may be a deleted one. */
export function serviceAt({ byIndex, retired }: ImageState, index: number): Service | undefined {
  return (byIndex.get(index) ?? retired.byIndex.get(index))?.service;
}

export function rangeOf(state: ImageState, record: ServiceRecord): RingRange {
  return { slots: state.slots, first: record.firstSlot, count: record.slotCount };
}

export function transitionRules(state: ImageState, nowTick: number): TransitionRules {
  return {
    nowTick,
    windowTicks: longestRingTimeout(state.timeouts),
    isServing: (real) => state.reals.isServing(real),
  };
}

export function expiryRules(state: ImageState, nowTick: number): ExpiryRules {
  return {
    nowTick,
    timeouts: state.timeouts,
    ...retentionRules(state),
    needsFlow: (flow) => needsFlow(state, flow),
  };
}

/**
 * Returns true if a packet may still need the flow. Flows of a stable slot are never looked up: an entry left from a finished
 * transition would stay until it times out, as packets do not update it. If the slot changes again, the fallback gives such a
 * flow its real.
 */
function needsFlow(
  { byIndex, slots, settings }: ImageState,
  { serviceIndex, client, clientPort }: Readonly<ScannedFlow>,
): boolean {
  const record = byIndex.get(serviceIndex);
  if (record?.kind !== SERVICE_KIND.hash || record.takenOver) return true;
  if (record.transition === undefined) return false;
  const hash = flowHash(client, clientPort & record.portMask, settings.hashKey);
  return isTracked(slots.words[record.firstSlot + slotOfHash(hash, record.slotCount)] as number);
}

/**
 * Returns the rules for which reals remembered flows may name. A template may name a failed real: its clients come back to it.
 */
export function retentionRules({
  reals,
  holdsFlows,
  inhibited,
  retired,
}: ImageState): Pick<ExpiryRules, 'keepsFlows' | 'keepsTemplates'> {
  return {
    keepsFlows: (real) =>
      holdsFlows && !inhibited.has(real)
        ? reals.isUsed(real)
        : reals.isServing(real) || retired.reals.has(real),
    keepsTemplates: (real) => reals.isUsed(real),
  };
}
