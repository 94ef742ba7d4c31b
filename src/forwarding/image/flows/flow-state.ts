// The states of flows, and how packets move them.
import { SCTP_CHUNK } from '../../../net/headers/sctp.ts';
import { FLOW_ACTIVE_STATES, FLOW_STATE, type FlowState } from '../tables/layout.ts';
import { nextSctpState } from './sctp-state.ts';

/** What of a packet moves its flow's state; neither of the two for UDP. */
export interface FlowSignal {
  /** The flags byte of the TCP header. */
  readonly tcpFlags: number | undefined;
  /** The type of the SCTP packet's deciding chunk, see transport.ts. */
  readonly sctpChunk?: number | undefined;
}

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

/** TCP: SYN set and RST not; what else is set does not matter, as in IPVS. SCTP: INIT. UDP opens nothing by this. */
export function opensFlow({ tcpFlags, sctpChunk }: FlowSignal): boolean {
  return tcpFlags === undefined ? sctpChunk === SCTP_CHUNK.init : (tcpFlags & (SYN | RST)) === SYN;
}

export function isUdp({ tcpFlags, sctpChunk }: FlowSignal): boolean {
  return tcpFlags === undefined && sctpChunk === undefined;
}

/**
 * State in which a packet's flow is first remembered; `none` for a RST, which is not worth an entry.
 * Otherwise SYN: SYN_RECV; FIN: FIN_WAIT; anything else: ESTABLISHED (the middle of a flow met in a tracked slot).
 */
export function firstFlowState({ tcpFlags, sctpChunk }: FlowSignal): FlowState {
  if (sctpChunk !== undefined) return FLOW_STATE.sctpInit1;
  if (tcpFlags === undefined) return FLOW_STATE.udp;
  if (tcpFlags & RST) return FLOW_STATE.none;
  if (tcpFlags & SYN) return FLOW_STATE.synRecv;
  return tcpFlags & FIN ? FLOW_STATE.finWait : FLOW_STATE.established;
}

/**
 * State of a remembered flow after a further packet, as IPVS sees it from the client's side. TCP, the first rule that
 * applies: RST gives CLOSE; SYN gives SYN_RECV, but leaves ESTABLISHED alone; FIN takes SYN_RECV to TIME_WAIT and
 * ESTABLISHED to FIN_WAIT; ACK takes SYN_RECV to ESTABLISHED. Nothing else changes a state.
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
 * True once the client has closed its side or reset the flow. An opener that meets such a flow begins another one, whose
 * real is chosen again (IPVS: conn_reuse_mode=2). Nothing else of a half-closed flow is disturbed: the client may
 * acknowledge what the real still sends for as long as it likes.
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
