// The flow memory: sets of four entries that fast path, slow path and sweep write at the same time.
import type { Ipv6Address } from '../../../net/address/ipv6-address.ts';
import { readIpv6Address, writeIpv6Address } from '../../../net/address/ipv6-address.ts';
import type { RealIndex } from '../../decision.ts';
import { flowHash, foldIpv6 } from '../../hashing/flow-hash.ts';
import {
  FLOW,
  FLOW_BUSY,
  FLOW_CLIENT_SIZE,
  FLOW_COSTS,
  FLOW_LIMITS,
  FLOW_SPENT_TICKS,
  FLOW_STATE,
  FLOW_WAYS,
  type FlowState,
} from '../tables/layout.ts';
import type { ImageMemory } from '../tables/memory.ts';
import { FlowCounts, flowWeight } from './flow-counts.ts';
import { isTemplate } from './flow-state.ts';

/** The place of a flow's entry, whether it exists or not: `hash` selects its own set and gives the tag. */
export interface FlowKey {
  readonly hash: number;
  readonly key: bigint;
}

/** The fields that identify a flow. */
export interface FlowName {
  readonly client: number;
  readonly clientPort: number;
  readonly serviceIndex: number;
  /** Needed because a service can have several ports. 0 for templates. */
  readonly servicePort?: number | undefined;
}

/** An entry as it was read; `value` is what a later compare-and-swap expects. */
export interface FlowHit {
  readonly at: number;
  readonly value: bigint;
  readonly real: number;
  readonly state: FlowState;
}

/** The new content of an entry. */
export interface FlowValue {
  readonly real: RealIndex;
  readonly state: FlowState;
  readonly nowTick: number;
}

interface Way {
  readonly at: number;
  readonly value: bigint;
  /** 0 for a free entry and for one of no worth. */
  readonly cost: number;
  readonly idle: number;
}

const WORDS = FLOW.size / 8;
const SET_WORDS = WORDS * FLOW_WAYS;
const LOWEST_LIMIT = 2;
const SERVICE_STEP = 0x9e3779b1;
const PORT_STEP = 0x85ebca6b;

/**
 * The flow memory: map `flows` of `bpf/layout.h`. A set fills one cache line:
 *
 *     set     | way 0 | way 1 | way 2 | way 3 |                 64 bytes
 *     way     | key, 8 bytes  | value, 8 bytes |                one entry
 *
 *             63                    32 31         16 15          0
 *     key     | client word           | client port | service idx |
 *     value   | tick of last packet   | tag  |state | real        |
 *             63                    32 31  24 23  16 15          0
 *
 * A value of 0 is a free way; a value of 1 (BUSY) is a way that a writer has claimed. Numbers are in host byte order.
 *
 * The fast path writes the table at the same time and by the same rules:
 *
 * 1. Place. H = flowHash(client, port) + service index * 0x9E3779B1 + service port * 0x85EBCA6B mod 2^32. The flow's own set is
 *    H & mask, its neighbour (H ^ 1) & mask, its tag H >> 24. The key does not hold the service port: only the pair of sets and
 *    the tag distinguish flows to several ports of a service. In small tables that works for few ports only.
 * 2. Find. Search the own set, then the neighbour. Take the lowest way whose value is neither 0 nor BUSY, whose key is the
 *    flow's, whose value has the flow's tag, and whose state is not a template's. Read the value before the key and, if the
 *    key is the flow's, once more: skip the way if the value changed. A TCP opener skips the neighbour if a way of its own set
 *    is half-open, as all are in a flood of SYNs. So an opener of a flow in the neighbour can, rarely, begin that flow again.
 * 3. Hit that is used. If tick or state differ from the entry's, one compare-and-swap from the value read to {tick, tag, new
 *    state, same real}. If it fails, the update is given up.
 * 4. Hit that is replaced, because its real does not serve or an opener met a flow that is over. One compare-and-swap from the
 *    value read to {tick, tag, first state, new real}. If it fails, the replacement is given up.
 * 5. Miss that is remembered. Take the lowest way whose value is 0, otherwise the victim, otherwise do not remember the flow.
 *    If the own set has no way that costs nothing (free or closed), take the neighbour's if that costs less: even a large
 *    table has sets with more flows than ways. A half-open flow accepts a cost of 1 in its own set, so that each SYN of a
 *    flood waits for one cache line, not for two.
 * 6. Victim. The way with the lowest cost, then the oldest (greatest now - last seen, as a signed number of 32 bits), then the
 *    lowest index; never a BUSY way. Its cost must not exceed the newcomer's limit.
 * 7. Cost and limit are the states' digits in FLOW_COSTS and FLOW_LIMITS. Where the limit is 2, an entry of the newcomer's own
 *    state costs 1. So a flood of SYNs, datagrams or clients replaces its own kind first, and never an established or closing
 *    flow or an assured template. A flow in FIN_WAIT that has been silent for FLOW_SPENT_TICKS (10 s) costs as much as one in
 *    TIME_WAIT: nearly all of them are over, which one side alone cannot see, and keeping them for two minutes would leave no
 *    ways for new flows.
 * 8. Writing a way. One compare-and-swap from the value seen to BUSY claims it; then store the key, then the value. If the
 *    swap fails, search for a way again; after FLOW_WAYS failures the flow is not remembered.
 * 9. Address of an IPv6 client. It is noted when the flow is first remembered. For a half-open flow that replaced another it
 *    is noted with the second packet: each SYN of a flood that has filled the memory then waits for one cache line of it, not
 *    for two. A reader compares the address with the client word of the key.
 * 10. Counts. Every change of a value also changes `flow_counts`, see `bpf/layout.h`.
 */
export class FlowTable {
  readonly sets: number;
  readonly words: BigUint64Array<ArrayBuffer>;
  readonly counts: FlowCounts;
  readonly #clients: Uint8Array<ArrayBuffer>;
  readonly #hashKey: Uint32Array;

  /** @param hashKey view of the image's hash key, so that a new key needs no new table */
  constructor(memory: Pick<ImageMemory, 'flows' | 'flowClients' | 'flowCounts'>, hashKey: Uint32Array) {
    this.sets = 1 << (31 - Math.clz32(memory.flows.byteLength / (8 * SET_WORDS)));
    this.words = new BigUint64Array(memory.flows, 0, this.sets * SET_WORDS);
    this.counts = new FlowCounts(memory.flowCounts);
    this.#clients = new Uint8Array(memory.flowClients, 0, this.sets * FLOW_WAYS * FLOW_CLIENT_SIZE);
    this.#hashKey = hashKey;
  }

  keyOf({ client, clientPort, serviceIndex, servicePort = 0 }: FlowName): FlowKey {
    const ofService = Math.imul(serviceIndex, SERVICE_STEP) + Math.imul(servicePort, PORT_STEP);
    const hash = (flowHash(client, clientPort, this.#hashKey) + ofService) >>> 0;
    const low = ((clientPort << 16) | serviceIndex) >>> 0;
    return { hash, key: (BigInt(client >>> 0) << 32n) | BigInt(low) };
  }

  /** Returns true if an entry can be that of this flow: it is in its sets and has its tag. */
  isPlaceOf(flow: FlowKey, at: number, tag: number): boolean {
    const set = at - (at % SET_WORDS);
    return tag === flow.hash >>> 24 && this.#places(flow).includes(set);
  }

  /**
   * Returns the entry of a flow, by rules 1 and 2.
   * @param newcomer the state that the flow would first be remembered in
   */
  find(flow: FlowKey, newcomer: FlowState = FLOW_STATE.none): FlowHit | undefined {
    const [own, neighbour] = this.#places(flow);
    const hit = this.#findIn(own, flow, false);
    if (hit !== undefined || (newcomer === FLOW_STATE.synRecv && this.#hasHalfOpen(own))) return hit;
    return this.#findIn(neighbour, flow, false);
  }

  /** Returns the template with this key, whose port is 0. A flow whose client has port 0 has the same key. */
  findTemplate(flow: FlowKey): FlowHit | undefined {
    const [own, neighbour] = this.#places(flow);
    return this.#findIn(own, flow, true) ?? this.#findIn(neighbour, flow, true);
  }

  /** Notes a packet of a flow that was found (rule 3). Writes only when the tick or the state is new. */
  touch(hit: FlowHit, state: FlowState, nowTick: number, client?: Ipv6Address): void {
    const seen = Number(hit.value >> 32n);
    if (seen === nowTick >>> 0 && hit.state === state) return;
    const noted = hit.state === FLOW_STATE.synRecv ? client : undefined;
    this.replace(hit, { real: hit.real, state, nowTick }, noted);
  }

  /** Gives an entry that was found another real or state in place (rule 4). */
  replace(hit: FlowHit, next: FlowValue, client?: Ipv6Address): boolean {
    if (!this.exchange(hit.at, hit.value, packFlow(tagOf(hit.value), next))) return false;
    this.#noteClient(hit.at, client);
    return true;
  }

  /**
   * Remembers a flow that was not found (rules 5 to 9). Returns false when neither set has a way for it. @param client address,
   * for IPv6
   */
  insert(flow: FlowKey, next: FlowValue, client?: Ipv6Address): boolean {
    for (let attempt = 0; attempt < FLOW_WAYS; attempt++) {
      const way = this.#wayFor(flow, next.state, next.nowTick);
      if (way === undefined) return false;
      if (!this.exchange(way.at, way.value, FLOW_BUSY)) continue;
      this.counts.add(next.real, flowWeight(next.state));
      Atomics.store(this.words, way.at, flow.key);
      Atomics.store(this.words, way.at + 1, packFlow(flow.hash >>> 24, next));
      if (way.value === 0n || next.state !== FLOW_STATE.synRecv) this.#noteClient(way.at, client);
      return true;
    }
    return false;
  }

  /**
   * Changes an entry and the counts with it. All changes of existing entries go through here.
   * @param at position of the entry's key in `words`
   * @param to 0 frees the entry
   */
  exchange(at: number, from: bigint, to: bigint): boolean {
    if (Atomics.compareExchange(this.words, at + 1, from, to) !== from) return false;
    const [before, after] = [flowWeight(stateOf(from)), flowWeight(stateOf(to))];
    const [realBefore, realAfter] = [realOf(from), realOf(to)];
    if (realBefore === realAfter) {
      this.counts.add(realAfter, after - before);
      return true;
    }
    this.counts.add(realBefore, -before);
    this.counts.add(realAfter, after);
    return true;
  }

  /**
   * Returns the client of an entry of an IPv6 service; for a template, its clients' network. Returns undefined while the address
   * is not noted.
   * @param at as for `exchange`
   * @param client the client word of the entry's key
   */
  clientOf(at: number, client: number): Ipv6Address | undefined {
    const address = readIpv6Address(this.#clients, clientAt(at));
    return foldIpv6(address, this.#hashKey) === client ? address : undefined;
  }

  #noteClient(at: number, client: Ipv6Address | undefined): void {
    if (client !== undefined) writeIpv6Address(this.#clients, clientAt(at), client);
  }

  #findIn(first: number, { hash, key }: FlowKey, template: boolean): FlowHit | undefined {
    const tag = hash >>> 24;
    for (let at = first; at < first + SET_WORDS; at += WORDS) {
      const value = Atomics.load(this.words, at + 1);
      if (value <= FLOW_BUSY || Atomics.load(this.words, at) !== key || tagOf(value) !== tag) continue;
      const state = stateOf(value);
      if (isTemplate(state) !== template || Atomics.load(this.words, at + 1) !== value) continue;
      return { at, value, real: realOf(value), state };
    }
    return undefined;
  }

  /** Returns where the flow's own set and its neighbour begin; with a single set, both are the same. */
  #places({ hash }: FlowKey): readonly [own: number, neighbour: number] {
    const mask = this.sets - 1;
    return [(hash & mask) * SET_WORDS, ((hash ^ 1) & mask) * SET_WORDS];
  }

  #hasHalfOpen(first: number): boolean {
    for (let at = first; at < first + SET_WORDS; at += WORDS) {
      if (stateOf(Atomics.load(this.words, at + 1)) === FLOW_STATE.synRecv) return true;
    }
    return false;
  }

  #wayFor(flow: FlowKey, state: FlowState, nowTick: number): Way | undefined {
    const [own, neighbour] = this.#places(flow);
    const limit = digit(FLOW_LIMITS, state);
    const way = this.#wayIn(own, state, nowTick, limit);
    const content = state === FLOW_STATE.synRecv ? 1 : 0;
    if (way !== undefined && way.cost <= content) return way;
    return this.#wayIn(neighbour, state, nowTick, way === undefined ? limit : way.cost - 1) ?? way;
  }

  #wayIn(first: number, state: FlowState, nowTick: number, limit: number): Way | undefined {
    let best: Way | undefined;
    for (let at = first; at < first + SET_WORDS; at += WORDS) {
      const value = Atomics.load(this.words, at + 1);
      if (value === 0n) return { at, value, cost: 0, idle: 0 };
      if (value === FLOW_BUSY) continue;
      const idle = (nowTick - Number(value >> 32n)) | 0;
      const cost = costOf(stateOf(value), idle, state);
      if (cost > limit) continue;
      if (!best || cost < best.cost || (cost === best.cost && idle > best.idle))
        best = { at, value, cost, idle };
    }
    return best;
  }
}

/** Returns the value word of an entry. */
export function packFlow(tag: number, of: FlowValue): bigint {
  const low = ((tag << 24) | (of.state << 16) | of.real) >>> 0;
  return (BigInt(of.nowTick >>> 0) << 32n) | BigInt(low);
}

function clientAt(at: number): number {
  return (at / WORDS) * FLOW_CLIENT_SIZE;
}

export function tagOf(value: bigint): number {
  return Number((value >> 24n) & 0xffn);
}

function stateOf(value: bigint): FlowState {
  return Number((value >> 16n) & 0xffn);
}

function realOf(value: bigint): RealIndex {
  return Number(value & 0xffffn);
}

/** Returns the cost of replacing an entry in the state `victim` for a newcomer in another state. */
function costOf(victim: FlowState, idleTicks: number, newcomer: FlowState): number {
  if (victim === newcomer && digit(FLOW_LIMITS, newcomer) === LOWEST_LIMIT) return 1;
  const isSpent = victim === FLOW_STATE.finWait && idleTicks >= FLOW_SPENT_TICKS;
  return digit(FLOW_COSTS, isSpent ? FLOW_STATE.timeWait : victim);
}

function digit(digits: bigint, state: FlowState): number {
  return Number((digits >> BigInt(4 * state)) & 0xfn);
}
