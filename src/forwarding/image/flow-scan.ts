import type { RealIndex } from '../decision.ts';
import type { FlowTimeouts } from '../table.ts';
import type { FlowState } from './flow-state.ts';
import type { FlowTable } from './flow-table.ts';
import { FLOW, FLOW_BUSY, FLOW_STATE, TICK_MS } from './layout.ts';

/** A remembered flow. */
export interface FlowEntry {
  readonly client: number;
  readonly clientPort: number;
  readonly serviceIndex: number;
  readonly real: RealIndex;
  readonly state: FlowState;
  readonly idleTicks: number;
}

/** Idle times in ticks, by flow state. */
export type FlowTimeoutTicks = Readonly<Record<FlowState, number>>;

/** Called with the parts of a live entry: an object for each of a million would be garbage for nothing. */
export type FlowVisitor = (client: number, portAndService: number, real: RealIndex, state: FlowState) => void;

export interface ExpiryRules {
  readonly nowTick: number;
  readonly timeouts: FlowTimeoutTicks;
  isServing(real: RealIndex): boolean;
}

/** One pass over the table, part by part: `next` is where to go on, and the rest adds up. */
export interface ExpiryProgress {
  next: number;
  live: number;
  expired: number;
  /** Ways that a writer had taken; one that is so over two passes belongs to a writer that died. */
  readonly busy: Set<number>;
  readonly busyBefore: ReadonlySet<number>;
}

const WORDS = FLOW.size / 4;
const KEY_LOW = 0;
const CLIENT = 1;
const VALUE_LOW = 2;
const LAST_SEEN = 3;
/** A few milliseconds' worth. */
const WORDS_PER_PART = WORDS * (1 << 15);

export function startExpiry(busyBefore: ReadonlySet<number>): ExpiryProgress {
  return { next: 0, live: 0, expired: 0, busy: new Set(), busyBefore };
}

export function timeoutTicks(timeouts: FlowTimeouts): FlowTimeoutTicks {
  return {
    [FLOW_STATE.none]: 0,
    [FLOW_STATE.synRecv]: timeouts.synRecvMs / TICK_MS,
    [FLOW_STATE.established]: timeouts.establishedMs / TICK_MS,
    [FLOW_STATE.finWait]: timeouts.finWaitMs / TICK_MS,
    [FLOW_STATE.close]: timeouts.closeMs / TICK_MS,
    [FLOW_STATE.udp]: timeouts.udpMs / TICK_MS,
  };
}

/**
 * Frees, in the next part of the table, the entries that timed out or whose real does not serve, and visits the others. An
 * entry that the fast path refreshes meanwhile is left alone: it is freed by compare-and-swap from what was read.
 * @returns false when the pass is complete
 */
export function expireFlows(
  table: FlowTable,
  rules: ExpiryRules,
  progress: ExpiryProgress,
  visit: FlowVisitor,
): boolean {
  const words = halves(table);
  const end = Math.min(words.length, progress.next + WORDS_PER_PART);
  for (let at = progress.next; at < end; at += WORDS) {
    const low = words[at + VALUE_LOW] as number;
    const seen = words[at + LAST_SEEN] as number;
    if (low === 0 && seen === 0) continue;
    const state = (low >>> 16) & 0xff;
    const real = low & 0xffff;
    if (low === Number(FLOW_BUSY) && seen === 0) {
      if (progress.busyBefore.has(at)) free(table, at, low, seen);
      else progress.busy.add(at);
    } else if (idle(rules.nowTick, seen) >= (rules.timeouts[state] ?? 0) || !rules.isServing(real)) {
      if (free(table, at, low, seen)) progress.expired++;
    } else {
      progress.live++;
      visit(words[at + CLIENT] as number, words[at + KEY_LOW] as number, real, state);
    }
  }
  progress.next = end;
  return end < words.length;
}

/** Frees the entries whose real does not serve. */
export function forgetUnserved(table: FlowTable, isServing: (real: RealIndex) => boolean): void {
  const words = halves(table);
  for (let at = 0; at < words.length; at += WORDS) {
    const low = words[at + VALUE_LOW] as number;
    if (low >>> 16 !== 0 && !isServing(low & 0xffff)) free(table, at, low, words[at + LAST_SEEN] as number);
  }
}

/**
 * Takes the time for which the image's clock stood still out of the idle times: flows that sent meanwhile were stamped
 * with the tick at which it stopped.
 */
export function forgiveStandstill(table: FlowTable, stoppedTick: number, ticks: number): void {
  const words = halves(table);
  for (let at = 0; at < words.length; at += WORDS) {
    const low = words[at + VALUE_LOW] as number;
    const seen = words[at + LAST_SEEN] as number;
    if (low >>> 16 === 0 || ((stoppedTick - seen) | 0) < 0) continue;
    swap(table, at, packHalves(low, seen), packHalves(low, (seen + ticks) >>> 0));
  }
}

/** All remembered flows as they stand. */
export function* listFlows(table: FlowTable, nowTick: number): Generator<FlowEntry> {
  const words = halves(table);
  for (let at = 0; at < words.length; at += WORDS) {
    const low = words[at + VALUE_LOW] as number;
    if (low >>> 16 === 0) continue;
    const key = words[at + KEY_LOW] as number;
    yield {
      client: words[at + CLIENT] as number,
      clientPort: key >>> 16,
      serviceIndex: key & 0xffff,
      real: low & 0xffff,
      state: (low >>> 16) & 0xff,
      idleTicks: idle(nowTick, words[at + LAST_SEEN] as number),
    };
  }
}

/** Forgets every flow, for a new hash key under which none would be found. */
export function clearFlows(table: FlowTable): void {
  for (let at = 1; at < table.words.length; at += FLOW.size / 8) Atomics.store(table.words, at, 0n);
}

function halves(table: FlowTable): Uint32Array {
  return new Uint32Array(table.words.buffer, table.words.byteOffset, table.words.length * 2);
}

/** The fast path's clock is the image's, which may be ahead of the caller's: then the flow is not idle at all. */
function idle(nowTick: number, seenTick: number): number {
  const ticks = (nowTick - seenTick) | 0;
  return ticks < 0 ? 0 : ticks;
}

function free(table: FlowTable, at: number, low: number, seen: number): boolean {
  return swap(table, at, packHalves(low, seen), 0n);
}

function swap(table: FlowTable, at: number, from: bigint, to: bigint): boolean {
  return Atomics.compareExchange(table.words, at / 2 + 1, from, to) === from;
}

function packHalves(low: number, seen: number): bigint {
  return (BigInt(seen) << 32n) | BigInt(low);
}
