import type { Reason } from '../../../../src/forwarding/reasons.ts';
import type { IpAddress } from '../../../../src/net/address/ip-address.ts';

/** What becomes of one packet; without a reason it is a common case, which the fast path has to carry out. */
export type Expected =
  | {
      readonly verdict: 'forward';
      readonly real: IpAddress;
      readonly packets: readonly Uint8Array[];
      readonly reason?: Reason;
    }
  | { readonly verdict: 'answer'; readonly packet: Uint8Array; readonly reason: Reason }
  | { readonly verdict: 'hold' | 'drop' | 'pass'; readonly reason: Reason };

export interface Step {
  readonly packet: Uint8Array;
  readonly expected: Expected;
}

/** Packets in order, over a standard image in its first state. Any forwarder has to do the same with them. */
export interface PacketRow {
  readonly description: string;
  readonly steps: readonly Step[];
}

export function row(description: string, ...steps: Step[]): PacketRow {
  return { description, steps };
}

export function forward(
  packet: Uint8Array,
  real: IpAddress,
  sent: Uint8Array | readonly Uint8Array[],
  reason?: Reason,
): Step {
  const packets = sent instanceof Uint8Array ? [sent] : sent;
  return { packet, expected: { verdict: 'forward', real, packets, ...(reason !== undefined && { reason }) } };
}

export function answer(packet: Uint8Array, sent: Uint8Array, reason: Reason): Step {
  return { packet, expected: { verdict: 'answer', packet: sent, reason } };
}

export function hold(packet: Uint8Array): Step {
  return { packet, expected: { verdict: 'hold', reason: 'fragment-held' } };
}

export function drop(packet: Uint8Array, reason: Reason): Step {
  return { packet, expected: { verdict: 'drop', reason } };
}

export function pass(packet: Uint8Array): Step {
  return { packet, expected: { verdict: 'pass', reason: 'not-ours' } };
}
