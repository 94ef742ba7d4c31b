// Idle timeouts of flows by state, in ticks.
import {
  DEFAULT_SCTP_TIMEOUTS,
  DEFAULT_TIME_WAIT_MS,
  type FlowTimeouts,
  type Service,
} from '../../forwarding-table.ts';
import { FLOW_STATE, TICK_MS } from '../tables/layout.ts';

/** Idle times in ticks, by flow state. Those of templates are 0, since each service has its own. */
export type FlowTimeoutTicks = Readonly<Uint32Array>;

export function timeoutTicks(timeouts: FlowTimeouts): FlowTimeoutTicks {
  const sctp = timeouts.sctp ?? DEFAULT_SCTP_TIMEOUTS;
  const byState: Readonly<Record<number, number>> = {
    [FLOW_STATE.synRecv]: timeouts.synRecvMs,
    [FLOW_STATE.established]: timeouts.establishedMs,
    [FLOW_STATE.finWait]: timeouts.finWaitMs,
    [FLOW_STATE.close]: timeouts.closeMs,
    [FLOW_STATE.udp]: timeouts.udpMs,
    [FLOW_STATE.timeWait]: timeouts.timeWaitMs ?? DEFAULT_TIME_WAIT_MS,
    [FLOW_STATE.sctpInit1]: sctp.init1Ms,
    [FLOW_STATE.sctpInit]: sctp.initMs,
    [FLOW_STATE.sctpCookieEchoed]: sctp.cookieEchoedMs,
    [FLOW_STATE.sctpEstablished]: sctp.establishedMs,
    [FLOW_STATE.sctpShutdown]: sctp.shutdownMs,
    [FLOW_STATE.sctpClosed]: sctp.closedMs,
  };
  return Uint32Array.from({ length: STATES }, (_, state) => (byState[state] ?? 0) / TICK_MS);
}

/** Returns the longest time that a flow of a ring can be idle. SCTP does not count, as no ring serves it. */
export function longestRingTimeout(timeouts: FlowTimeoutTicks): number {
  return Math.max(...timeouts.subarray(0, FLOW_STATE.timeWait + 1));
}

/** Returns the timeout of a service's templates; 0 if it has none. */
export function templateTicks(service: Pick<Service, 'persistence'> | undefined): number {
  return Math.ceil((service?.persistence?.timeoutMs ?? 0) / TICK_MS);
}

/** The number of values that an entry's eight state bits can have. A flow in an unknown state expires at once. */
const STATES = 256;
