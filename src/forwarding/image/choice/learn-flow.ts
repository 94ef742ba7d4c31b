// Enters a flow or a persistence template that another director reported into the flow memory.
import type { IpAddress } from '../../../net/address/ip-address.ts';
import { isIpv6 } from '../../../net/address/ip-address.ts';
import type { RealIndex } from '../../decision.ts';
import type { ServiceKey } from '../../forwarding-table.ts';
import { clientWord } from '../../hashing/client-word.ts';
import { flowHash, slotOfHash } from '../../hashing/flow-hash.ts';
import { isOver, isTemplate } from '../flows/flow-state.ts';
import type { FlowHit, FlowTable, FlowValue } from '../flows/flow-table.ts';
import { type ImageState, rangeOf, retentionRules } from '../image-state.ts';
import { currentOf, holdSlot, isTracked } from '../slots/ring-transition.ts';
import { type FlowState, SERVICE_KIND } from '../tables/layout.ts';
import { recordKey, type ServiceRecord } from '../tables/service-record.ts';
import { findTemplate } from './persistence-template.ts';

/** A flow that another director knows, or a template. */
export interface ReportedFlow {
  /** With the port that the client's packets go to; for a template any port of the service. */
  readonly service: ServiceKey;
  /** For a template an address of the clients' network. */
  readonly client: IpAddress;
  /** 0 for a template. */
  readonly clientPort: number;
  readonly real: IpAddress;
  readonly state: FlowState;
  /** The tick of its last packet. */
  readonly seenTick: number;
}

/**
 * - `learned`: it is new here, or replaced an entry that was older, over, or of a real that does not serve.
 * - `known`: it was remembered with this real. The entry takes a newer state and time over.
 * - `kept`: a newer entry names another real, and stays.
 * - `stateless`: its packets reach this real without an entry, or the service remembers none.
 * - `unknown`: no such service or real.
 * - `full`: neither of its sets has a way for it.
 */
export type Learned = 'learned' | 'known' | 'kept' | 'stateless' | 'unknown' | 'full';

export function learnFlow(state: ImageState, flow: ReportedFlow, nowTick: number): Learned {
  const record = findRecord(state, flow.service);
  const real = record?.reals.get(flow.real);
  if (record === undefined || real === undefined) return 'unknown';
  if (isTemplate(flow.state)) return learnTemplate(state, record, real, flow);
  if (!retentionRules(state).keepsFlows(real)) return 'unknown';
  const learned = learnConnection(state, record, real, flow);
  // Last: a packet that found the slot tracked before the flow is there would be remembered with another real.
  if (learned === 'learned' && record.kind === SERVICE_KIND.hash) trackSlotOf(state, record, flow, nowTick);
  return learned;
}

function findRecord({ records }: ImageState, service: ServiceKey): ServiceRecord | undefined {
  return records.get(recordKey(service)) ?? records.get(recordKey({ ...service, port: 0 }));
}

function learnTemplate(
  { flows, settings, reals }: ImageState,
  { index, service }: ServiceRecord,
  real: RealIndex,
  { client, state, seenTick }: ReportedFlow,
): Learned {
  const { persistence } = service;
  if (persistence === undefined) return 'stateless';
  const memory = { flows, hashKey: settings.hashKey };
  const address = isIpv6(client) ? { client: 0, clientAddress: client } : { client };
  const place = findTemplate(memory, address, { index, prefixLength: persistence.prefixLength });
  const next = { real, state, nowTick: seenTick };
  if (place.hit) return meet(flows, place.hit, next, (other) => reals.isServing(other));
  return flows.insert(place.key, next, place.network) ? 'learned' : 'full';
}

function learnConnection(
  state: ImageState,
  record: ServiceRecord,
  real: RealIndex,
  flow: ReportedFlow,
): Learned {
  const { flows, settings } = state;
  const client = clientWord(flow.client, settings.hashKey);
  const place = { client, clientPort: flow.clientPort };
  if (!isRemembered(state, record, place, real)) return 'stateless';
  const servicePort = flow.service.port;
  const key = flows.keyOf({ ...place, serviceIndex: record.index, servicePort });
  const next = { real, state: flow.state, nowTick: flow.seenTick };
  const hit = flows.find(key);
  const wasOverloaded = record.delegate?.isOverloaded(real) ?? false;
  const address = isIpv6(flow.client) ? flow.client : undefined;
  const learned = hit
    ? meet(flows, hit, next, (other) => state.reals.isServing(other))
    : flows.insert(key, next, address) && 'learned';
  if (learned === false) return 'full';
  if (learned === 'learned') record.delegate?.noteFlow(real, wasOverloaded);
  return learned;
}

/** Decides between an entry and what another director knows of the same flow. */
function meet(
  flows: FlowTable,
  hit: FlowHit,
  next: FlowValue,
  isServing: (real: RealIndex) => boolean,
): Learned {
  const newerTicks = (next.nowTick - Number(hit.value >> 32n)) | 0;
  const isSame = hit.real === next.real;
  if (isSame && newerTicks <= 0) return 'known';
  if (!isSame && newerTicks <= 0 && !isOver(hit.state) && isServing(hit.real)) return 'kept';
  // An entry that a packet has changed meanwhile is newer.
  if (!flows.replace(hit, next)) return isSame ? 'known' : 'kept';
  return isSame ? 'known' : 'learned';
}

type FlowPlace = { readonly client: number; readonly clientPort: number };

/** Returns true if packets of the flow need an entry to reach this real. */
function isRemembered(state: ImageState, record: ServiceRecord, place: FlowPlace, real: RealIndex): boolean {
  const { kind, service } = record;
  if (kind === SERVICE_KIND.turns || (service.onePacket === true && service.protocol === 'udp')) return false;
  if (kind !== SERVICE_KIND.hash) return true;
  if (record.slotCount === 0) return false;
  const slot = state.slots.words[record.firstSlot + slotIn(state, record, place)] as number;
  return isTracked(slot) || currentOf(slot) !== real;
}

function trackSlotOf(state: ImageState, record: ServiceRecord, flow: ReportedFlow, nowTick: number): void {
  const client = clientWord(flow.client, state.settings.hashKey);
  const slot = slotIn(state, record, { client, clientPort: flow.clientPort });
  record.transition = holdSlot(rangeOf(state, record), record.transition, slot, nowTick);
}

function slotIn(state: ImageState, record: ServiceRecord, { client, clientPort }: FlowPlace): number {
  const hash = flowHash(client, clientPort & record.portMask, state.settings.hashKey);
  return slotOfHash(hash, record.slotCount);
}
