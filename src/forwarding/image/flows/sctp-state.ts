// The states of SCTP flows, and how the client's chunks change them.
import { SCTP_CHUNK } from '../../../net/headers/sctp.ts';
import { FLOW_STATE, type FlowState } from '../tables/layout.ts';

const { sctpInit1, sctpInit, sctpCookieEchoed, sctpEstablished, sctpShutdown, sctpClosed } = FLOW_STATE;

/** The new state by chunk type and former state. A state that is not listed stays. */
const NEXT: Readonly<Record<number, Readonly<Record<FlowState, FlowState>>>> = {
  [SCTP_CHUNK.init]: { [sctpInit1]: sctpInit, [sctpClosed]: sctpInit },
  [SCTP_CHUNK.initAck]: { [sctpInit1]: sctpCookieEchoed, [sctpInit]: sctpCookieEchoed },
  [SCTP_CHUNK.cookieEcho]: { [sctpInit1]: sctpEstablished, [sctpInit]: sctpEstablished },
  [SCTP_CHUNK.cookieAck]: { [sctpCookieEchoed]: sctpEstablished },
  [SCTP_CHUNK.shutdown]: { [sctpEstablished]: sctpShutdown },
  [SCTP_CHUNK.shutdownAck]: { [sctpInit1]: sctpInit, [sctpEstablished]: sctpClosed },
  [SCTP_CHUNK.shutdownComplete]: {
    [sctpInit1]: sctpClosed,
    [sctpInit]: sctpClosed,
    [sctpShutdown]: sctpClosed,
  },
};

/** Returns the state of an SCTP flow after a further packet of its client, as IPVS derives it from the client's side alone. */
export function nextSctpState(state: FlowState, chunk: number): FlowState {
  if (chunk === SCTP_CHUNK.abort) return sctpClosed;
  return NEXT[chunk]?.[state] ?? state;
}
