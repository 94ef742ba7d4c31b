// The states of flows over TCP and UDP, and how packets change them.
import { SCTP_CHUNK } from '../../../net/headers/sctp.ts';
import { FLOW_ACTIVE_STATES, FLOW_STATE, type FlowState } from '../tables/layout.ts';
import { nextSctpState } from './sctp-state.ts';

/** The part of a packet that changes its flow's state; both fields are undefined for UDP. */
export interface FlowSignal {
  /** The flags byte of the TCP header. */
  readonly tcpFlags: number | undefined;
  /** The type of the SCTP packet's deciding chunk; see transport.ts. */
  readonly sctpChunk?: number | undefined;
}

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

/**
 * Returns true if the packet opens a flow. TCP: SYN set and RST not; other flags do not matter, as in IPVS. SCTP: INIT. UDP has
 * no such packet.
 */
export function opensFlow({ tcpFlags, sctpChunk }: FlowSignal): boolean {
  return tcpFlags === undefined ? sctpChunk === SCTP_CHUNK.init : (tcpFlags & (SYN | RST)) === SYN;
}

export function isUdp({ tcpFlags, sctpChunk }: FlowSignal): boolean {
  return tcpFlags === undefined && sctpChunk === undefined;
}

/**
 * Returns the state in which a packet's flow is first remembered; `none` for a RST, which is not worth an entry. SYN gives
 * SYN_RECV, FIN gives FIN_WAIT, anything else ESTABLISHED (a flow met in its middle, in a tracked slot).
 */
export function firstFlowState({ tcpFlags, sctpChunk }: FlowSignal): FlowState {
  if (sctpChunk !== undefined) return FLOW_STATE.sctpInit1;
  if (tcpFlags === undefined) return FLOW_STATE.udp;
  if (tcpFlags & RST) return FLOW_STATE.none;
  if (tcpFlags & SYN) return FLOW_STATE.synRecv;
  return tcpFlags & FIN ? FLOW_STATE.finWait : FLOW_STATE.established;
}

/**
 * Returns the state of a remembered flow after a further packet, as IPVS derives it from the client's side. For TCP the first
 * rule that applies counts:
 *
 * 1. RST gives CLOSE.
 * 2. SYN gives SYN_RECV, but leaves ESTABLISHED alone.
 * 3. FIN takes SYN_RECV to TIME_WAIT and ESTABLISHED to FIN_WAIT.
 * 4. ACK takes SYN_RECV to ESTABLISHED.
 * 5. Nothing else changes a state.
 */
export function nextFlowState(state: FlowState, { tcpFlags, sctpChunk }: FlowSignal): FlowState {
  if (sctpChunk !== undefined) return nextSctpState(state, sctpChunk);
  if (tcpFlags === undefined) return FLOW_STATE.udp;
  if (tcpFlags & RST) return FLOW_STATE.close;
  if (tcpFlags & SYN) return state === FLOW_STATE.established ? state : FLOW_STATE.synRecv;
  if (tcpFlags & FIN && state === FLOW_STATE.synRecv) return FLOW_STATE.timeWait;
  if (tcpFlags & FIN && state === FLOW_STATE.established) return FLOW_STATE.finWait;
  return tcpFlags & ACK && state === FLOW_STATE.synRecv ? FLOW_STATE.established : state;
}

/**
 * Returns true once the client has closed its side or reset the flow. An opener that meets such a flow begins another one, whose
 * real is chosen again (IPVS: conn_reuse_mode=2). Other packets of a half-closed flow pass as before: the client may acknowledge
 * what the real still sends.
 */
export function isOver(state: FlowState): boolean {
  return OVER.has(state);
}

const OVER: ReadonlySet<FlowState> = new Set([
  FLOW_STATE.close,
  FLOW_STATE.timeWait,
  FLOW_STATE.finWait,
  FLOW_STATE.sctpClosed,
  FLOW_STATE.sctpShutdown,
]);

export function isTemplate(state: FlowState): boolean {
  return state === FLOW_STATE.template || state === FLOW_STATE.assuredTemplate;
}

export function isActive(state: FlowState): boolean {
  return ((FLOW_ACTIVE_STATES >>> state) & 1) !== 0;
}
