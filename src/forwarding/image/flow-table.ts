import { flowHash } from './flow-hash.ts';
import type { FlowState } from './flow-state.ts';
import { FLOW, FLOW_BUSY, FLOW_STATE, FLOW_WAYS } from './layout.ts';

/** Where a flow's entry is or would be: `hash` selects the set and gives the tag. */
export interface FlowKey {
  readonly hash: number;
  readonly key: bigint;
}

/** An entry as it was read; `value` is what a later compare-and-swap expects. */
export interface FlowHit {
  readonly at: number;
  readonly value: bigint;
  readonly real: number;
  readonly state: FlowState;
}

interface Way {
  readonly at: number;
  readonly value: bigint;
  readonly cost: number;
  readonly idle: number;
}

const WORDS = FLOW.size / 8;
const SET_WORDS = WORDS * FLOW_WAYS;
const SERVICE_STEP = 0x9e3779b1;

/**
 * The flow memory: map `flows` of `bpf/layout.h`. The fast path writes it at the same time and by the same rules:
 *
 * - Entry hash: H = flowHash(client, port) + service index * 0x9E3779B1 mod 2^32; set = H & mask; tag = H >> 24.
 * - Find: the lowest way whose value is neither 0 nor BUSY, whose key is the flow's and whose value has its tag. A way's
 *   value is read before its key and, where the key is the flow's, once more: if it changed meanwhile it is passed over.
 * - Hit that is used: if the tick or the state differs from the entry's, one compare-and-swap from the value that was
 *   read to {tick, tag, new state, same real}. If it fails the update is given up.
 * - Hit that is replaced (its real does not serve, or an opener met CLOSE): one compare-and-swap from the value that
 *   was read to {tick, tag, first state, new real}. If it fails it is given up.
 * - Miss that is remembered: the lowest way whose value is 0; else the victim; else it is not remembered. Victim: the
 *   way with the lowest cost, then the oldest (greatest now - last seen mod 2^32), then the lowest index, BUSY ways
 *   left out; it is taken only if its cost is at most the newcomer's limit.
 *   Cost:  CLOSE 0; SYN_RECV and UDP 1 if the newcomer has the same state, else 2; FIN_WAIT 3; ESTABLISHED 4.
 *   Limit: SYN_RECV and UDP 2; FIN_WAIT 3; ESTABLISHED 4. So a flood of SYNs or datagrams pushes out no
 *   established or closing flow, and its own kind first.
 *   The way is taken by compare-and-swap from the value seen to BUSY; then the key is stored, then the value. If the
 *   swap fails the search for a way starts over; after FLOW_WAYS failures the flow is not remembered.
 */
export class FlowTable {
  readonly sets: number;
  readonly words: BigUint64Array<ArrayBuffer>;
  readonly #hashKey: Uint32Array;

  /** @param hashKey view of the image's hash key, so that a new key needs no new table */
  constructor(flows: ArrayBuffer, hashKey: Uint32Array) {
    this.sets = 1 << (31 - Math.clz32(flows.byteLength / (8 * SET_WORDS)));
    this.words = new BigUint64Array(flows, 0, this.sets * SET_WORDS);
    this.#hashKey = hashKey;
  }

  keyOf(client: number, clientPort: number, serviceIndex: number): FlowKey {
    const hash = (flowHash(client, clientPort, this.#hashKey) + Math.imul(serviceIndex, SERVICE_STEP)) >>> 0;
    const low = ((clientPort << 16) | serviceIndex) >>> 0;
    return { hash, key: (BigInt(client >>> 0) << 32n) | BigInt(low) };
  }

  find({ hash, key }: FlowKey): FlowHit | undefined {
    const tag = hash >>> 24;
    const first = this.#firstWord(hash);
    for (let at = first; at < first + SET_WORDS; at += WORDS) {
      const value = Atomics.load(this.words, at + 1);
      if (value <= FLOW_BUSY || Atomics.load(this.words, at) !== key || tagOf(value) !== tag) continue;
      if (Atomics.load(this.words, at + 1) !== value) continue;
      return { at, value, real: Number(value & 0xffffn), state: stateOf(value) };
    }
    return undefined;
  }

  /** Notes a packet of a found flow; writes only when the tick or the state is new. */
  touch(hit: FlowHit, state: FlowState, nowTick: number): void {
    const seen = Number(hit.value >> 32n);
    if (seen === nowTick >>> 0 && hit.state === state) return;
    this.replace(hit, { real: hit.real, state, nowTick });
  }

  /** Gives a found entry to another real or state in place. */
  replace(hit: FlowHit, next: { real: number; state: FlowState; nowTick: number }): boolean {
    const value = packFlow(tagOf(hit.value), next);
    return Atomics.compareExchange(this.words, hit.at + 1, hit.value, value) === hit.value;
  }

  /** Remembers a flow that was not found. False when nothing in its set may make way. */
  insert(flow: FlowKey, next: { real: number; state: FlowState; nowTick: number }): boolean {
    const value = packFlow(flow.hash >>> 24, next);
    for (let attempt = 0; attempt < FLOW_WAYS; attempt++) {
      const way = this.#wayFor(flow.hash, next.state, next.nowTick);
      if (way === undefined) return false;
      if (Atomics.compareExchange(this.words, way.at + 1, way.value, FLOW_BUSY) !== way.value) continue;
      Atomics.store(this.words, way.at, flow.key);
      Atomics.store(this.words, way.at + 1, value);
      return true;
    }
    return false;
  }

  #firstWord(hash: number): number {
    return (hash & (this.sets - 1)) * SET_WORDS;
  }

  #wayFor(hash: number, state: FlowState, nowTick: number): Way | undefined {
    const first = this.#firstWord(hash);
    const limit = evictionLimit(state);
    let best: Way | undefined;
    for (let at = first; at < first + SET_WORDS; at += WORDS) {
      const value = Atomics.load(this.words, at + 1);
      if (value === 0n) return { at, value, cost: 0, idle: 0 };
      if (value === FLOW_BUSY) continue;
      const cost = evictionCost(stateOf(value), state);
      const idle = (nowTick - Number(value >> 32n)) >>> 0;
      if (cost > limit) continue;
      if (!best || cost < best.cost || (cost === best.cost && idle > best.idle))
        best = { at, value, cost, idle };
    }
    return best;
  }
}

/** The value word of an entry. */
export function packFlow(tag: number, of: { real: number; state: FlowState; nowTick: number }): bigint {
  const low = ((tag << 24) | (of.state << 16) | of.real) >>> 0;
  return (BigInt(of.nowTick >>> 0) << 32n) | BigInt(low);
}

function tagOf(value: bigint): number {
  return Number((value >> 24n) & 0xffn);
}

function stateOf(value: bigint): FlowState {
  return Number((value >> 16n) & 0xffn);
}

function evictionLimit(newcomer: FlowState): number {
  if (newcomer === FLOW_STATE.established) return 4;
  return newcomer === FLOW_STATE.finWait ? 3 : 2;
}

function evictionCost(victim: FlowState, newcomer: FlowState): number {
  if (victim === FLOW_STATE.close) return 0;
  if (victim === FLOW_STATE.finWait) return 3;
  if (victim === FLOW_STATE.established) return 4;
  return victim === newcomer ? 1 : 2;
}
