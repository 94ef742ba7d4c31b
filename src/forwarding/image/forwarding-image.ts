// The forwarding image: the memory that fast path, slow path and control plane share, and the operations on it.
import { CulvertError } from '../../errors.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { RealIndex } from '../decision.ts';
import type {
  Claim,
  ForwardingTable,
  Port,
  Service,
  ServiceKey,
  TransportProtocol,
} from '../forwarding-table.ts';
import { REASON_NAMES, type Reason } from '../reasons.ts';
import type { ApplyHooks, ApplySummary } from './change/apply-run.ts';
import { applyTable } from './change/apply-table.ts';
import { mendDrift } from './change/drift.ts';
import { resume, takeOver } from './change/take-over.ts';
import { type Learned, learnFlow, type ReportedFlow } from './choice/learn-flow.ts';
import type { FlowPacket, SelectionMemory } from './choice/select-real.ts';
import { flowKnowledge, type TicksToKnow } from './flows/flow-knowledge.ts';
import { type FlowVisitor, type ScannedFlow, scanFlows } from './flows/flow-scan.ts';
import { isTemplate } from './flows/flow-state.ts';
import type { FlowTable } from './flows/flow-table.ts';
import { templateTicks } from './flows/flow-timeouts.ts';
import {
  type ImageState,
  listNoClients,
  openState,
  rangeOf,
  serviceAt,
  transitionRules,
} from './image-state.ts';
import { NEVER_SWEPT, type SweepMemory, type SweepSummary, sweepImage } from './sweep/sweep.ts';
import { COUNTERS, LAYOUT_VERSION, RARITY, REALS } from './tables/layout.ts';
import type { ImageMemory } from './tables/memory.ts';
import type { RealFields, RealPath } from './tables/real-table.ts';
import { isAwaited, isRetired } from './tables/retired-services.ts';
import { recordKey, type ServiceEntry } from './tables/service-record.ts';
import { keyBytes } from './tables/settings.ts';

export type { Learned, ReportedFlow } from './choice/learn-flow.ts';
export type { ScannedFlow } from './flows/flow-scan.ts';
export type { SweepSummary } from './sweep/sweep.ts';
export type { NextHop, RealFields, RealPath } from './tables/real-table.ts';
export type { ServiceEntry } from './tables/service-record.ts';

export interface RealEntry extends RealFields {
  readonly service: Service;
}

/** The counters of one real, as in struct counters. */
export interface CounterValues {
  readonly packets: number;
  readonly bytes: number;
  readonly connections: number;
}

/** Active, inactive and persistent connections, counted as IPVS counts them. */
export interface RealFlowCounts {
  readonly active: number;
  readonly inactive: number;
  readonly templates: number;
}

export interface ImageOptions extends Partial<ApplyHooks> {
  /** Returns numbers evenly from [0, 1), for schedulers that use chance. */
  readonly random?: () => number;
}

const NO_HOOKS: ApplyHooks = { realAdded: () => undefined, settle: () => true };
const COUNTER_WORDS = COUNTERS.size / 8;

/**
 * The forwarding image, which fast path, slow path and control plane share. Everything that has to outlive the process is in its
 * memory; opened over the memory of an earlier run it continues from there. Only one ForwardingImage may write a memory at a time
 * (the fast path beside it writes flows, cursors and the outer ID, atomically).
 */
export class ForwardingImage implements SelectionMemory {
  readonly random: () => number;
  readonly #state: ImageState;
  readonly #hooks: ApplyHooks;
  readonly #counters: BigUint64Array<ArrayBuffer>;
  readonly #reasons: BigUint64Array<ArrayBuffer>;
  #swept: SweepMemory = NEVER_SWEPT;
  #resumed = false;

  /** @throws CulvertError UNSUPPORTED when a version with another layout wrote the memory */
  constructor(memory: ImageMemory, { random = Math.random, ...hooks }: ImageOptions = {}) {
    this.random = random;
    this.#state = openState(memory);
    this.#hooks = { ...NO_HOOKS, ...hooks };
    this.#counters = new BigUint64Array(memory.slowCounters, 0, COUNTER_WORDS * REALS);
    this.#reasons = new BigUint64Array(memory.reasons);
    const { settings, flows } = this.#state;
    if (settings.layoutVersion !== 0 && settings.layoutVersion !== LAYOUT_VERSION) {
      throw new CulvertError(
        'UNSUPPORTED',
        `the state of a former run has layout ${settings.layoutVersion}, but this culvert uses ${LAYOUT_VERSION}; fix: run \`culvert down\` first`,
      );
    }
    settings.initialise(flows.sets);
    takeOver(this.#state);
  }

  /**
   * Makes the image match the table, changing only what differs.
   * @throws CulvertError CAPACITY or UNSUPPORTED, before anything has changed
   */
  apply(table: ForwardingTable, nowTick: number): ApplySummary {
    this.#resume(nowTick);
    return applyTable(this.#state, table, nowTick, {
      realAdded: (index) => {
        this.#counters.fill(0n, index * COUNTER_WORDS, (index + 1) * COUNTER_WORDS);
        this.#hooks.realAdded(index);
      },
      settle: () => this.#hooks.settle(),
    });
  }

  /** Expires flows and ends transitions. Call it about every second, and not before the first table, which has the timeouts. */
  sweep(nowTick: number): SweepSummary {
    const steps = this.sweepInSteps(nowTick);
    for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
  }

  /** Sweeps in steps of a few milliseconds, between which tables may be applied and packets decided. */
  *sweepInSteps(nowTick: number): Generator<void, SweepSummary> {
    this.#resume(nowTick);
    const { summary, memory } = yield* sweepImage(this.#state, nowTick, this.#swept);
    this.#swept = memory;
    return summary;
  }

  /** Restores what others have overwritten. @returns a description of each thing restored */
  mendDrift(): string[] {
    return mendDrift(this.#state);
  }

  services(): Service[] {
    return [...this.#state.byIndex.values()].map(({ service }) => service);
  }

  /** Returns the hash key; undefined before the first table. */
  keyInUse(): Uint8Array | undefined {
    const { hashKey } = this.#state.settings;
    return hashKey.some((word) => word !== 0) ? keyBytes(hashKey) : undefined;
  }

  serviceEntries(): Iterable<ServiceEntry> {
    return this.#state.byIndex.values();
  }

  /** Returns the service of this port, or the one of all ports. */
  findService(vip: IpAddress, port: Port, protocol: TransportProtocol): ServiceEntry | undefined {
    const { records } = this.#state;
    return (
      records.get(recordKey({ vip, port, protocol })) ?? records.get(recordKey({ vip, port: 0, protocol }))
    );
  }

  /** Returns true if a packet to a port without a service belongs to a flow of a deleted service that may come back. */
  isAwaited(destination: ServiceKey, packet: FlowPacket): boolean {
    return isAwaited(this.#state, destination, packet);
  }

  isVip(address: IpAddress): boolean {
    return this.#state.vips.has(address);
  }

  vips(): Iterable<IpAddress> {
    return this.#state.vips.keys();
  }

  /** Sets the host's own addresses, broadcast addresses of its networks included; they replace the former ones. */
  setHostAddresses(addresses: ReadonlySet<IpAddress>): void {
    this.#state.hostAddresses = addresses;
    listNoClients(this.#state);
  }

  /** Returns true if no client's packet can have this source: it is a VIP or an address of the host. */
  isNoClient(address: IpAddress): boolean {
    return this.#state.vips.has(address) || this.#state.hostAddresses.has(address);
  }

  /** Returns who answers for an address; undefined for an address that is not a VIP. */
  claimOf(vip: IpAddress): Claim | undefined {
    return this.#state.claims.get(vip);
  }

  /** Returns who answers for each VIP. */
  claims(): ReadonlyMap<IpAddress, Claim> {
    return this.#state.claims;
  }

  *reals(): Generator<RealEntry> {
    for (const { reals, service } of this.#state.byIndex.values()) {
      for (const index of reals.values()) yield { ...this.#state.reals.read(index), service };
    }
  }

  /** Returns a real; undefined for 0 and for an index that no service has. */
  real(index: RealIndex): RealEntry | undefined {
    const fields = this.#state.reals.read(index);
    const service = serviceAt(this.#state, fields.serviceIndex);
    return service && { ...fields, service };
  }

  holdsFlowsOf(real: RealIndex): boolean {
    const { holdsFlows, inhibited } = this.#state;
    return (holdsFlows && !inhibited.has(real)) || isRetired(this.#state, real);
  }

  mayFollowTemplate(real: RealIndex): boolean {
    const { reals, expiresQuiescentTemplates } = this.#state;
    return reals.isServing(real) && !(expiresQuiescentTemplates && reals.weightOf(real) === 0);
  }

  get sloppyTcp(): boolean {
    return this.#state.sloppyTcp;
  }

  isServing(real: RealIndex): boolean {
    return this.#state.reals.isServing(real);
  }

  /** Returns true if the real is the director itself. */
  isLocal(real: RealIndex): boolean {
    return this.#state.reals.isLocal(real);
  }

  setPath(index: RealIndex, path: RealPath): void {
    this.#state.reals.setPath(index, path);
  }

  /** Sets the path MTU and leaves the rest of the path unchanged. */
  setMtu(index: RealIndex, mtuBytes: number): void {
    this.#state.reals.setMtu(index, mtuBytes);
  }

  setSlowPathIfIndex(ifIndex: number): void {
    this.#state.settings.setSlowPathIfIndex(ifIndex);
  }

  /** @param packets by `RARITY`: how many the fast path hands to the slow path in one epoch; 0: no limit */
  setSlowPathBudget(packets: Readonly<Record<keyof typeof RARITY, number>>): void {
    for (const [name, rarity] of Object.entries(RARITY)) {
      this.#state.settings.setBudget(rarity, packets[name as keyof typeof RARITY]);
    }
  }

  /** @param ticks without `setNow` after which the fast path chooses for delegated services by hash; 0: never */
  setPatience(ticks: number): void {
    this.#state.settings.setPatience(ticks);
  }

  /** Sets the fast path's clock. Call it every 100 ms. */
  setNow(tick: number): void {
    this.#resume(tick);
    this.#state.settings.setNow(tick);
  }

  now(): number {
    return this.#state.settings.now;
  }

  nextOuterId(): number {
    return this.#state.settings.nextOuterId();
  }

  get hashKey(): Uint32Array {
    return this.#state.settings.hashKey;
  }

  get slots(): Uint32Array {
    return this.#state.slots.words;
  }

  get flows(): FlowTable {
    return this.#state.flows;
  }

  get cursors(): BigUint64Array<ArrayBuffer> {
    return this.#state.cursors;
  }

  /** Visits what is remembered in one part of the flow table, as `scanFlows` does. */
  scanFlows(
    part: { readonly from: number; readonly nowTick: number },
    visit: FlowVisitor,
  ): number | undefined {
    return scanFlows(this.#state.flows, part, visit);
  }

  /** Remembers what another director knows of a flow. Call it after the first table, which has the services. */
  learn(flow: ReportedFlow, nowTick: number): Learned {
    return learnFlow(this.#state, flow, nowTick);
  }

  /** Returns the port that a flow's packets go to; undefined if its service has all ports, among which the entry cannot tell. */
  packetPort(flow: Readonly<ScannedFlow>): Port | undefined {
    const { service } = this.#state.byIndex.get(flow.serviceIndex) ?? {};
    const ports =
      service === undefined || service.port === 0 ? [] : [service.port, ...(service.morePorts ?? [])];
    return ports.find((servicePort) =>
      this.#state.flows.isPlaceOf(
        this.#state.flows.keyOf({ ...flow, servicePort }),
        flow.at,
        flow.low >>> 24,
      ),
    );
  }

  /** Returns the idle time after which an entry is forgotten. */
  flowTimeoutTicks({ state, serviceIndex }: Pick<ScannedFlow, 'state' | 'serviceIndex'>): number {
    return isTemplate(state)
      ? templateTicks(this.#state.byIndex.get(serviceIndex)?.service)
      : (this.#state.timeouts[state] as number);
  }

  /** Returns the remembered flows of a real, and its persistence templates as of the last sweep. */
  flowCounts(real: RealIndex): RealFlowCounts {
    const { counts } = this.#state.flows;
    return {
      active: counts.active(real),
      inactive: counts.inactive(real),
      templates: this.#swept.tally.templates[real] ?? 0,
    };
  }

  /** Returns how completely `flowCounts` covers the flows of a service's reals. */
  flowKnowledge({ index }: ServiceEntry): TicksToKnow {
    const record = this.#state.byIndex.get(index);
    if (record === undefined) return () => 0;
    return flowKnowledge(record, rangeOf(this.#state, record), transitionRules(this.#state, this.now()));
  }

  /** Returns how many slots of a service are in transition. */
  trackedSlots({ index }: ServiceEntry): number {
    return this.#state.byIndex.get(index)?.transition?.tracked ?? 0;
  }

  /** Counts a packet that the slow path forwarded. */
  countForwarded(real: RealIndex, bytes: number, connection: boolean): void {
    const at = real * COUNTER_WORDS;
    this.#counters[at] = (this.#counters[at] as bigint) + 1n;
    this.#counters[at + 1] = (this.#counters[at + 1] as bigint) + BigInt(bytes);
    if (connection) this.#counters[at + 2] = (this.#counters[at + 2] as bigint) + 1n;
  }

  /** Returns what the slow path forwarded; the fast path's own counters add to it. */
  slowCounters(real: RealIndex): CounterValues {
    const [packets, bytes, connections] = this.#counters.subarray(real * COUNTER_WORDS);
    return { packets: Number(packets), bytes: Number(bytes), connections: Number(connections) };
  }

  countReason(reason: Reason, packets = 1): void {
    const at = REASON_NAMES.indexOf(reason) + 1;
    this.#reasons[at] = (this.#reasons[at] as bigint) + BigInt(packets);
  }

  /** Returns the counts of the reasons that occurred. */
  reasonCounts(): Partial<Record<Reason, number>> {
    const counts = REASON_NAMES.map((reason, i) => [reason, Number(this.#reasons[i + 1])] as const);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }

  #resume(nowTick: number): void {
    if (!this.#resumed) resume(this.#state, nowTick);
    this.#resumed = true;
  }
}
