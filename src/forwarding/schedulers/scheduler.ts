// The interface of a scheduler: candidates, request and choice.
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { RealIndex } from '../decision.ts';
import type { TransportProtocol } from '../forwarding-table.ts';

/** A serving real that a scheduler may choose, in its present state. */
export interface Candidate {
  readonly index: RealIndex;
  readonly address: IpAddress;
  /** 0..65535. At 0 the real gets no new flows. */
  readonly weight: number;
  /** The flows that IPVS counts as active: established and half-open ones of TCP, established ones of SCTP. */
  readonly active: number;
  /** All other flows of the real. */
  readonly inactive: number;
  /** True between the thresholds of a full real: it gets no new flows. */
  readonly overloaded: boolean;
}

/** The packet that opens a flow. */
export interface ScheduleRequest {
  readonly client: IpAddress;
  readonly clientPort: number;
  readonly vip: IpAddress;
  readonly port: number;
  readonly protocol: TransportProtocol;
  /** The time in ms, by any monotonic clock. */
  readonly nowMs: number;
  /** Returns numbers evenly from [0, 1), like `Math.random`. */
  readonly random: () => number;
}

export interface Choice {
  /** The position in the candidates. */
  readonly position: number;
  /** Called when the choice is carried out; otherwise the scheduler continues as if it had not been asked. */
  readonly commit?: () => void;
}

/** Chooses the reals of one service's new flows. Any memory between choices is its own. */
export interface Scheduler {
  /**
   * Chooses the real for a new flow.
   * @param candidates the serving reals in the order of configuration, those of weight 0 included
   * @returns undefined if none may have the flow
   */
  choose(candidates: readonly Candidate[], request: ScheduleRequest): Choice | undefined;
}
