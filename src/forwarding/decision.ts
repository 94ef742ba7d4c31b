// The decision about one packet, and its explanation.
import type { IpAddress } from '../net/address/ip-address.ts';
import type { Reason } from './reasons.ts';

/** Index of a (service, real server) entry in the image; 0 means none. */
export type RealIndex = number;

/**
 * The decision about one IP packet.
 * - `forward`: send these outer IP packets to the real's address: one, its fragments, or one with the fragments held for it.
 * - `answer`: send this IP packet, whose source is the VIP, to its destination.
 * - `hold`: keep the packet until its flow is known; it leaves with the `packets` of a later decision.
 * - `pass`: not for culvert; the host's own stack may have it.
 */
export type Decision =
  | {
      readonly verdict: 'forward';
      readonly real: RealIndex;
      readonly packets: readonly Uint8Array[];
      /** The reason for the slow path; undefined when the fast path would have done the same. */
      readonly reason?: Reason;
    }
  | {
      readonly verdict: 'answer';
      readonly packet: Uint8Array;
      readonly to: IpAddress;
      readonly reason: Reason;
    }
  | { readonly verdict: 'hold'; readonly reason: Reason }
  | { readonly verdict: 'drop'; readonly reason: Reason }
  | { readonly verdict: 'pass'; readonly reason: Reason };

/** Receives one step of a decision as a sentence, for `culvert explain`. */
export type Trace = (sentence: string) => void;

/** A decision with its reasons, step by step. */
export interface Explanation {
  readonly decision: Decision;
  /** The address that the packet goes to inside the tunnel; undefined unless it is forwarded. */
  readonly real: IpAddress | undefined;
  readonly sentences: readonly string[];
}
