// The state machine of a BFD session (RFC 5880) as functions.
import { BFD_DIAGNOSTIC, BFD_STATE, type BfdState, type ControlPacket } from './control-packet.ts';

/** The parameters of one side of a session. */
export interface BfdParameters {
  /** The interval at which it wants to send while the session is up, and the shortest at which it wants to receive. */
  readonly minTxMs: number;
  readonly minRxMs: number;
  /** The interval at which it sends while the session is not up; at least a second (RFC 5880, section 6.8.3). */
  readonly idleTxMs: number;
  /** The number of missing packets in a row after which the peer takes the session down. */
  readonly multiplier: number;
  /** Sends nothing before the peer does. */
  readonly passive: boolean;
}

/** The peer's side, as in its last packet. */
interface RemoteSide {
  readonly state: BfdState;
  readonly diagnostic: number;
  /** 0: nothing has been heard for a detection time. */
  readonly discriminator: number;
  readonly desiredMinTxMs: number;
  readonly requiredMinRxMs: number;
  readonly multiplier: number;
  readonly demand: boolean;
}

/**
 * A session in asynchronous mode (RFC 5880, section 6.8), between two events. No authentication, no echo, no demand mode
 * of our own; a peer's is heeded. Times are milliseconds of any one clock that never goes back.
 */
export interface BfdSession {
  readonly parameters: BfdParameters;
  readonly localDiscriminator: number;
  readonly state: BfdState;
  /** The diagnostic of the last fall. */
  readonly diagnostic: number;
  readonly remote: RemoteSide;
  /** A Poll Sequence is under way: the peer has not confirmed our present intervals. */
  readonly polling: boolean;
  readonly heardMs: number;
  readonly sentMs: number;
  /** The time at which the next packet is due; Infinity if none is. */
  readonly dueMs: number;
}

/** Time, and a random number from 0 up to 1, of which one use is made. */
export interface Moment {
  readonly nowMs: number;
  readonly random: number;
}

export interface Received {
  readonly session: BfdSession;
  /** A packet to be sent at once, whatever is due. */
  readonly answer: 'final' | 'news' | undefined;
}

const UNKNOWN: RemoteSide = {
  state: BFD_STATE.down,
  diagnostic: BFD_DIAGNOSTIC.none,
  discriminator: 0,
  desiredMinTxMs: 0,
  requiredMinRxMs: 0.001,
  multiplier: 1,
  demand: false,
};
const GREATEST_US = 2 ** 32 - 1;

/** @param localDiscriminator Not 0, and no other session's here; random, so that nobody can guess it. */
export function startSession(
  parameters: BfdParameters,
  localDiscriminator: number,
  nowMs: number,
): BfdSession {
  return {
    parameters,
    localDiscriminator,
    state: BFD_STATE.down,
    diagnostic: BFD_DIAGNOSTIC.none,
    remote: UNKNOWN,
    polling: false,
    heardMs: nowMs,
    sentMs: -Infinity,
    dueMs: parameters.passive ? Infinity : nowMs,
  };
}

/** Takes a packet that is for this session (section 6.8.6). */
export function receivePacket(before: BfdSession, packet: ControlPacket, moment: Moment): Received {
  const heard: BfdSession = {
    ...before,
    remote: remoteSide(packet),
    polling: before.polling && !packet.final,
    heardMs: moment.nowMs,
  };
  if (before.state === BFD_STATE.adminDown)
    return { session: rescheduled(heard, before, moment), answer: undefined };
  const state = nextState(before.state, packet.state);
  if (state === before.state) {
    return { session: rescheduled(heard, before, moment), answer: packet.poll ? 'final' : undefined };
  }
  const diagnostic = state === BFD_STATE.down ? BFD_DIAGNOSTIC.neighborDown : BFD_DIAGNOSTIC.none;
  const session = rescheduled(enter(heard, state, diagnostic), before, moment);
  return { session, answer: packet.poll ? 'final' : 'news' };
}

/**
 * When the peer counts as silent, should nothing more be heard: the detection time (section 6.8.4) after the last packet.
 * Infinity where there is no peer.
 */
export function deadlineMs({ remote, heardMs, parameters }: BfdSession): number {
  if (remote.discriminator === 0) return Infinity;
  return heardMs + remote.multiplier * Math.max(parameters.minRxMs, remote.desiredMinTxMs);
}

/**
 * Takes the session down at its deadline. Call it when everything that arrived until then has been processed. Returns the same
 * object if nothing happens.
 */
export function expire(before: BfdSession, moment: Moment): BfdSession {
  if (moment.nowMs < deadlineMs(before)) return before;
  const silent = { ...before, remote: UNKNOWN, polling: false };
  if (before.state !== BFD_STATE.init && before.state !== BFD_STATE.up)
    return rescheduled(silent, before, moment);
  const down = enter(silent, BFD_STATE.down, BFD_DIAGNOSTIC.timeExpired);
  // News that the peer may still hear.
  return { ...down, dueMs: transmitIntervalMs(down) === Infinity ? Infinity : moment.nowMs };
}

/** Takes the session down for good; the peer will not take it for a failure. */
export function shutDown(before: BfdSession, moment: Moment): BfdSession {
  const after = enter(before, BFD_STATE.adminDown, BFD_DIAGNOSTIC.adminDown);
  return rescheduled(after, before, moment);
}

/** The packet to send now. `final` answers a poll; otherwise our own poll, if one is under way, goes on. */
export function packetToSend(session: BfdSession, final: boolean): ControlPacket {
  return {
    diagnostic: session.diagnostic,
    state: session.state,
    poll: session.polling && !final,
    final,
    controlPlaneIndependent: false,
    demand: false,
    multiplier: session.parameters.multiplier,
    myDiscriminator: session.localDiscriminator,
    yourDiscriminator: session.remote.discriminator,
    desiredMinTxUs: inMicroseconds(desiredMinTxMs(session)),
    requiredMinRxUs: inMicroseconds(session.parameters.minRxMs),
    requiredMinEchoRxUs: 0,
  };
}

/** Sets the time of the next packet after one has been sent. */
export function afterSending(session: BfdSession, moment: Moment): BfdSession {
  const sent = { ...session, sentMs: moment.nowMs };
  return { ...sent, dueMs: moment.nowMs + jittered(sent, moment.random) };
}

/** Returns the interval between sent packets, before jitter; Infinity: none are sent. */
export function transmitIntervalMs(session: BfdSession): number {
  const { parameters, remote, state, polling } = session;
  if (parameters.passive && remote.discriminator === 0) return Infinity;
  if (remote.requiredMinRxMs === 0) return Infinity;
  const bothUp = state === BFD_STATE.up && remote.state === BFD_STATE.up;
  if (remote.demand && bothUp && !polling) return Infinity;
  return Math.max(desiredMinTxMs(session), remote.requiredMinRxMs);
}

function desiredMinTxMs({ state, parameters }: BfdSession): number {
  const { minTxMs, idleTxMs } = parameters;
  return state === BFD_STATE.up ? minTxMs : Math.max(minTxMs, idleTxMs);
}

function remoteSide(packet: ControlPacket): RemoteSide {
  return {
    state: packet.state,
    diagnostic: packet.diagnostic,
    discriminator: packet.myDiscriminator,
    desiredMinTxMs: packet.desiredMinTxUs / 1000,
    requiredMinRxMs: packet.requiredMinRxUs / 1000,
    multiplier: packet.multiplier,
    demand: packet.demand,
  };
}

function nextState(local: BfdState, remote: BfdState): BfdState {
  const { adminDown, down, init, up } = BFD_STATE;
  if (remote === adminDown) return down;
  if (local === down) {
    if (remote === down) return init;
    return remote === init ? up : down;
  }
  if (local === init) return remote === down ? init : up;
  return remote === down ? down : up;
}

/** Our desired interval depends on the state, and the peer has to confirm it when it changes (section 6.8.3). */
function enter(session: BfdSession, state: BfdState, diagnostic: number): BfdSession {
  const entered = { ...session, state, diagnostic };
  const changed = desiredMinTxMs(entered) !== desiredMinTxMs(session);
  const polling = session.remote.discriminator !== 0 && (session.polling || changed);
  return { ...entered, polling: state !== BFD_STATE.adminDown && polling };
}

/** A shorter interval than before must be honoured at once (section 6.8.3); a longer one begins with the next packet. */
function rescheduled(session: BfdSession, before: BfdSession, { nowMs, random }: Moment): BfdSession {
  const intervalMs = transmitIntervalMs(session);
  if (intervalMs === Infinity) return { ...session, dueMs: intervalMs };
  if (intervalMs >= transmitIntervalMs(before)) return session;
  const dueMs = Math.max(nowMs, session.sentMs + jittered(session, random));
  return dueMs < session.dueMs ? { ...session, dueMs } : session;
}

/** Shorter by up to a quarter, so that sessions do not fall into step; by a tenth at least where one loss would count (section 6.8.7). */
function jittered(session: BfdSession, random: number): number {
  const least = session.parameters.multiplier === 1 ? 0.1 : 0;
  return transmitIntervalMs(session) * (1 - least - random * (0.25 - least));
}

function inMicroseconds(ms: number): number {
  return Math.min(GREATEST_US, Math.round(ms * 1000));
}
