// Walks the flow memory: lists, expires and clears flows.
import type { RealIndex } from '../../decision.ts';
import { FLOW, FLOW_BUSY, type FlowState } from '../tables/layout.ts';
import { isTemplate } from './flow-state.ts';
import type { FlowTable } from './flow-table.ts';
import type { FlowTimeoutTicks } from './flow-timeouts.ts';

/** A live entry; one object that is filled anew for each, since a million would be garbage for nothing. */
export interface ScannedFlow {
  /** Client word. */
  client: number;
  /** 0 for a template. */
  clientPort: number;
  serviceIndex: number;
  real: RealIndex;
  state: FlowState;
  idleTicks: number;
  /** The two halves of its value, see `scannedValue`. */
  low: number;
  seenTick: number;
  /** As `FlowTable.exchange` and `clientOf` have it. */
  at: number;
}

export type FlowVisitor = (flow: Readonly<ScannedFlow>) => void;

export interface ExpiryRules {
  readonly nowTick: number;
  readonly timeouts: FlowTimeoutTicks;
  /** Whether flows that name this real may stay. */
  keepsFlows(real: RealIndex): boolean;
  /** Whether templates that name it may. When they end is decided elsewhere. */
  keepsTemplates(real: RealIndex): boolean;
  /** Whether anybody will ask for this flow. */
  needsFlow(flow: Readonly<ScannedFlow>): boolean;
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
const ENTRIES_PER_PART = 1 << 15;
const WORDS_PER_PART = WORDS * ENTRIES_PER_PART;

export function startExpiry(busyBefore: ReadonlySet<number>): ExpiryProgress {
  return { next: 0, live: 0, expired: 0, busy: new Set(), busyBefore };
}

/** The value of the entry as it was when it was scanned. */
export function scannedValue({ low, seenTick }: ScannedFlow): bigint {
  return packHalves(low, seenTick);
}

/**
 * Frees, in the next part of the table, the entries that timed out or whose real may have none, and visits the others. An
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
  const flow = emptyFlow();
  for (let at = progress.next; at < end; at += WORDS) {
    const low = words[at + VALUE_LOW] as number;
    const seen = words[at + LAST_SEEN] as number;
    if (low === 0 && seen === 0) continue;
    if (low === Number(FLOW_BUSY) && seen === 0) {
      if (progress.busyBefore.has(at)) free(table, at, low, seen);
      else progress.busy.add(at);
      continue;
    }
    readFlow(words, at, rules.nowTick, flow);
    if (isExpired(flow, rules)) {
      if (free(table, at, low, seen)) progress.expired++;
    } else {
      progress.live++;
      visit(flow);
    }
  }
  progress.next = end;
  return end < words.length;
}

function isExpired(flow: ScannedFlow, rules: ExpiryRules): boolean {
  const { state, real, idleTicks } = flow;
  if (isTemplate(state)) return !rules.keepsTemplates(real);
  return idleTicks >= (rules.timeouts[state] as number) || !rules.keepsFlows(real) || !rules.needsFlow(flow);
}

/** Frees the entries whose real may have none. */
export function forgetUnserved(
  table: FlowTable,
  rules: Pick<ExpiryRules, 'keepsFlows' | 'keepsTemplates'>,
): void {
  const words = halves(table);
  for (let at = 0; at < words.length; at += WORDS) {
    const low = words[at + VALUE_LOW] as number;
    const state = (low >>> 16) & 0xff;
    if (low >>> 16 === 0) continue;
    const kept = isTemplate(state) ? rules.keepsTemplates(low & 0xffff) : rules.keepsFlows(low & 0xffff);
    if (!kept) free(table, at, low, words[at + LAST_SEEN] as number);
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
    table.exchange(at / 2, packHalves(low, seen), packHalves(low, (seen + ticks) >>> 0));
  }
}

/** One part of the table: visits what is remembered there. @returns where the next part begins; undefined at the end */
export function scanFlows(
  table: FlowTable,
  part: { readonly from: number; readonly nowTick: number },
  visit: FlowVisitor,
): number | undefined {
  const words = halves(table);
  const end = Math.min(words.length, part.from + WORDS_PER_PART);
  const flow = emptyFlow();
  for (let at = part.from; at < end; at += WORDS) {
    if ((words[at + VALUE_LOW] as number) >>> 16 === 0) continue;
    readFlow(words, at, part.nowTick, flow);
    visit(flow);
  }
  return end < words.length ? end : undefined;
}

/** Forgets every flow, for a new hash key under which none would be found. */
export function clearFlows(table: FlowTable): void {
  for (let at = 0; at < table.words.length; at += FLOW.size / 8) {
    const value = Atomics.load(table.words, at + 1);
    if (value > FLOW_BUSY) table.exchange(at, value, 0n);
  }
}

function halves(table: FlowTable): Uint32Array {
  return new Uint32Array(table.words.buffer, table.words.byteOffset, table.words.length * 2);
}

function emptyFlow(): ScannedFlow {
  return {
    client: 0,
    clientPort: 0,
    serviceIndex: 0,
    real: 0,
    state: 0,
    idleTicks: 0,
    low: 0,
    seenTick: 0,
    at: 0,
  };
}

function readFlow(words: Uint32Array, at: number, nowTick: number, flow: ScannedFlow): void {
  const low = words[at + VALUE_LOW] as number;
  const seenTick = words[at + LAST_SEEN] as number;
  const key = words[at + KEY_LOW] as number;
  flow.client = words[at + CLIENT] as number;
  flow.clientPort = key >>> 16;
  flow.serviceIndex = key & 0xffff;
  flow.real = low & 0xffff;
  flow.state = (low >>> 16) & 0xff;
  flow.idleTicks = idle(nowTick, seenTick);
  flow.low = low;
  flow.seenTick = seenTick;
  flow.at = at / 2;
}

/** The fast path's clock is the image's, which may be ahead of the caller's: then the flow is not idle at all. */
function idle(nowTick: number, seenTick: number): number {
  const ticks = (nowTick - seenTick) | 0;
  return ticks < 0 ? 0 : ticks;
}

function free(table: FlowTable, at: number, low: number, seen: number): boolean {
  return table.exchange(at / 2, packHalves(low, seen), 0n);
}

function packHalves(low: number, seen: number): bigint {
  return (BigInt(seen) << 32n) | BigInt(low);
}
