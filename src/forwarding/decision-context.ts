// The context of one decision: the state it reads, its trace, and all writes, which a read-only decision leaves out.
import type { IpAddress } from '../net/address/ip-address.ts';
import type { RateLimiter } from './answers/rate-limit.ts';
import type { Trace } from './decision.ts';
import { type FlowPacket, previewReal, type Selection, selectReal } from './image/choice/select-real.ts';
import { TICK_MS } from './image/tables/layout.ts';
import type { ServiceEntry } from './image/tables/service-record.ts';
import type { IpHeader } from './packets/ip-header.ts';
import type { Reason } from './reasons.ts';
import type { ForwarderState } from './state.ts';

/**
 * One decision in progress. With `readOnly` it changes no state, for `explain`; every step that writes goes through this file or
 * checks `readOnly`.
 */
export interface Context {
  readonly state: ForwarderState;
  readonly nowMs: number;
  readonly trace: Trace | undefined;
  readonly readOnly: boolean;
}

export function chooseReal(context: Context, service: ServiceEntry, flow: FlowPacket): Selection {
  const { image } = context.state;
  return context.readOnly
    ? previewReal(image, service, flow)
    : selectReal(image, service, flow, nowTick(context.nowMs));
}

export function nowTick(nowMs: number): number {
  return Math.floor(nowMs / TICK_MS);
}

export function countReason({ state, readOnly }: Context, reason: Reason): void {
  if (!readOnly) state.image.countReason(reason);
}

export function countForwarded(
  { state, readOnly }: Context,
  selection: Pick<Selection, 'real' | 'connection'>,
  bytes: number,
): void {
  if (!readOnly) state.image.countForwarded(selection.real, bytes, selection.connection);
}

/** Returns true if the limiter allows an answer to this client. */
export function mayAnswer(context: Context, limiter: RateLimiter, client: IpAddress): boolean {
  return context.readOnly ? limiter.allows(client, context.nowMs) : limiter.take(client, context.nowMs);
}

/**
 * Returns the next ID for fragments of an outer IPv6 packet. The lower 16 bits count and the upper ones are the second, so that
 * no ID repeats while fragments with the same ID may still be waiting (RFC 7739).
 */
export function nextFragmentId(context: Context): number {
  return (((Math.floor(context.nowMs / 1000) & 0xffff) << 16) | nextId(context)) >>> 0;
}

/** Returns the ID for an answer without DF; 0 for IPv6. */
export function answerId(context: Context, { family }: IpHeader): number {
  return family === 4 ? nextId(context) : 0;
}

/** Returns the next ID for a packet without DF. A preview shows 1 and does not move the counter. */
export function nextId({ state, readOnly }: Context): number {
  return readOnly ? 1 : state.image.nextOuterId();
}
