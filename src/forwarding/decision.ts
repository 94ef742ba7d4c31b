// What can become of a packet.
import type { IpAddress } from '../net/address/ip-address.ts';
import type { Reason } from './reasons.ts';

/** Index of a (service, real server) entry in the image; 0 means none. */
export type RealIndex = number;

/**
 * What becomes of one IPv4 packet.
 * - `forward`: send these outer IP packets (one, the fragments of one, or one and what was held for it) to the
 *   real's address.
 * - `answer`: send this IP packet, whose source is the VIP, back to where it says.
 * - `hold`: kept until its flow is known; it leaves with the `packets` of a later decision.
 * - `pass`: not culvert's; the host's own stack may have it.
 */
export type Decision =
  | {
      readonly verdict: 'forward';
      readonly real: RealIndex;
      readonly packets: readonly Uint8Array[];
      /** Left out when the fast path would have done the same. */
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

/** One step of a decision in words, for `culvert explain`. */
export type Trace = (sentence: string) => void;

/** A decision with its reasons, step by step. */
export interface Explanation {
  readonly decision: Decision;
  /** The address that the packet goes to inside the tunnel; undefined unless it is forwarded. */
  readonly real: IpAddress | undefined;
  readonly sentences: readonly string[];
}
