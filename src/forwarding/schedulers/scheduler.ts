// What a scheduler is: it sees candidates, and answers with one of them.
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { RealIndex } from '../decision.ts';
import type { TransportProtocol } from '../forwarding-table.ts';

/** A serving real that a scheduler may choose, as it is at this moment. */
export interface Candidate {
  readonly index: RealIndex;
  readonly address: IpAddress;
  /** 0..65535; 0: it gets no new flows. */
  readonly weight: number;
  /** Flows that IPVS counts as active: TCP's established and half-open ones, SCTP's established ones. */
  readonly active: number;
  /** All its other flows. */
  readonly inactive: number;
  /** Between its thresholds: it gets no new flows. */
  readonly overloaded: boolean;
}

/** The packet that opens a flow. */
export interface ScheduleRequest {
  readonly client: IpAddress;
  readonly clientPort: number;
  readonly vip: IpAddress;
  readonly port: number;
  readonly protocol: TransportProtocol;
  /** Of any clock that only goes forwards. */
  readonly nowMs: number;
  /** Evenly from [0, 1), as `Math.random`. */
  readonly random: () => number;
}

export interface Choice {
  /** In the candidates. */
  readonly position: number;
  /** Called when the choice is really made; without it the scheduler goes on as if it had not been asked. */
  readonly commit?: () => void;
}

/** One service's way to choose the real of a new flow. What it remembers between choices is its own. */
export interface Scheduler {
  /**
   * @param candidates the serving reals in the order of configuration, those of weight 0 among them
   * @returns undefined if none may have the flow
   */
  choose(candidates: readonly Candidate[], request: ScheduleRequest): Choice | undefined;
}
