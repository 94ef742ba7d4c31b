// Walks the flow table in parts of a few milliseconds, to expire, forget or list flows.
import type { RealIndex } from '../../decision.ts';
import { FLOW, FLOW_BUSY, type FlowState } from '../tables/layout.ts';
import { isTemplate } from './flow-state.ts';
import type { FlowTable } from './flow-table.ts';
import type { FlowTimeoutTicks } from './flow-timeouts.ts';

/** A live entry. One object is filled again for each entry, as a million objects would be garbage. */
export interface ScannedFlow {
  /** The client word. */
  client: number;
  /** The client's port; 0 for a template. */
  clientPort: number;
  serviceIndex: number;
  real: RealIndex;
  state: FlowState;
  idleTicks: number;
  /** The low half of the value word; see `scannedValue`. */
  low: number;
  seenTick: number;
  /** The position of the entry, as `FlowTable.exchange` and `clientOf` take it. */
  at: number;
}

export type FlowVisitor = (flow: Readonly<ScannedFlow>) => void;

export interface ExpiryRules {
  readonly nowTick: number;
  readonly timeouts: FlowTimeoutTicks;
  /** Returns true if flows that name this real may stay. */
  keepsFlows(real: RealIndex): boolean;
  /** Returns true if templates that name this real may stay. Their end is decided in template-watch.ts. */
  keepsTemplates(real: RealIndex): boolean;
  /** Returns true if a packet may still need this flow. */
  needsFlow(flow: Readonly<ScannedFlow>): boolean;
}

/** The progress of one pass over the table, part by part: `next` is where to continue, the other fields are sums. */
export interface ExpiryProgress {
  next: number;
  live: number;
  expired: number;
  /** The ways that a writer had claimed. A way claimed in two passes belongs to a writer that died. */
  readonly busy: Set<number>;
  readonly busyBefore: ReadonlySet<number>;
}

const WORDS = FLOW.size / 4;
const KEY_LOW = 0;
const CLIENT = 1;
const VALUE_LOW = 2;
const LAST_SEEN = 3;
/** The entries scanned in one part, which takes a few milliseconds. */
const ENTRIES_PER_PART = 1 << 15;
const WORDS_PER_PART = WORDS * ENTRIES_PER_PART;

export function startExpiry(busyBefore: ReadonlySet<number>): ExpiryProgress {
  return { next: 0, live: 0, expired: 0, busy: new Set(), busyBefore };
}

/** Returns the value of the entry as it was scanned. */
export function scannedValue({ low, seenTick }: ScannedFlow): bigint {
  return packHalves(low, seenTick);
}

/**
 * Frees the entries that timed out or whose real may have none, in the next part of the table, and visits the others. An entry
 * that the fast path refreshes meanwhile stays, as freeing is a compare-and-swap from the value read.
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
 * Moves the time for which the image's clock stood still out of the idle times: flows that sent meanwhile were stamped with the
 * tick at which it stopped.
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

/** Visits the entries in one part of the table. @returns where the next part begins; undefined at the end */
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

/** Forgets every flow. A new hash key needs this, as no flow would be found under it. */
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

/**
 * Returns the idle time in ticks. The image's clock, which the fast path reads, may be ahead of the caller's; then the flow is
 * not idle.
 */
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
