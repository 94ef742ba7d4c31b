import { FLOW_STATE } from './layout.ts';

/** A state of `FLOW_STATE`. */
export type FlowState = number;

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

/** TCP: SYN set and RST not. What else is set does not matter, as in IPVS. */
export function opensFlow(tcpFlags: number): boolean {
  return (tcpFlags & (SYN | RST)) === SYN;
}

/**
 * State in which a packet's flow is first remembered; `none` for a RST, which is not worth an entry.
 * Otherwise SYN: SYN_RECV; FIN: FIN_WAIT; anything else: ESTABLISHED (the middle of a flow met in a tracked slot).
 * @param tcpFlags undefined for UDP
 */
export function firstFlowState(tcpFlags: number | undefined): FlowState {
  if (tcpFlags === undefined) return FLOW_STATE.udp;
  if (tcpFlags & RST) return FLOW_STATE.none;
  if (tcpFlags & SYN) return FLOW_STATE.synRecv;
  return tcpFlags & FIN ? FLOW_STATE.finWait : FLOW_STATE.established;
}

/**
 * State of a remembered flow after a further packet, as IPVS sees it from the client's side. The first rule that
 * applies: RST gives CLOSE; SYN gives SYN_RECV, but leaves ESTABLISHED alone; FIN gives FIN_WAIT, but leaves CLOSE
 * alone; ACK takes SYN_RECV to ESTABLISHED. Nothing else changes a state.
 */
export function nextFlowState(state: FlowState, tcpFlags: number | undefined): FlowState {
  if (tcpFlags === undefined) return FLOW_STATE.udp;
  if (tcpFlags & RST) return FLOW_STATE.close;
  if (tcpFlags & SYN) return state === FLOW_STATE.established ? state : FLOW_STATE.synRecv;
  if (tcpFlags & FIN) return state === FLOW_STATE.close ? state : FLOW_STATE.finWait;
  return tcpFlags & ACK && state === FLOW_STATE.synRecv ? FLOW_STATE.established : state;
}
