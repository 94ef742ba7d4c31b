// The state machine of a check.
import type { CheckConfig } from '../contract/checks/check-config.ts';
import type { Unfinished } from './probe.ts';
import type { WeightEffect } from './weight-effect.ts';

/** The times that govern a check; a `CheckConfig` is one. */
export type CheckSchedule = Pick<
  CheckConfig,
  'intervalMs' | 'timeoutMs' | 'retries' | 'retryDelayMs' | 'warmupMs'
>;

/**
 * One check between two attempts. Times are milliseconds of any one clock that never goes back.
 *
 * keepalived's checkers: while up, an attempt per interval; a failed one is followed by up to `retries` further ones,
 * `retryDelay` apart, and the last of them that fails takes the real out; while down, an attempt per interval, and one
 * that passes brings it back.
 */
export interface CheckState {
  readonly up: boolean;
  /** The time of the last change of `up`. */
  readonly sinceMs: number;
  /** The time at which the next attempt begins. */
  readonly dueMs: number;
  /** Failed attempts in a row. */
  readonly failures: number;
  /** The error of the last attempt; undefined if it passed or there was none. */
  readonly lastError: string | undefined;
  /** The effect on the weight, by the last attempt that passed. */
  readonly weight: WeightEffect | undefined;
  /** True: down without an attempt or an earlier run that says so. */
  readonly presumed: boolean;
}

/** The result of the last attempt, for the operator. */
export interface LastAttempt {
  readonly tookMs: number;
  /** `connected`, `HTTP status 200`; why it failed. */
  readonly answer: string;
}

export interface Attempt {
  readonly startedMs: number;
  readonly endedMs: number;
  /** The reason of the failure; undefined if it passed. */
  readonly error: string | undefined;
  readonly weight?: WeightEffect | undefined;
  /** It has passed, but more has to before a check that is down is up again. */
  readonly more?: Unfinished['more'] | undefined;
  /** True: this machine could not make it, which says nothing about the real. */
  readonly unmade?: boolean;
}

/** An attempt that could not be made is repeated after this time, or after the interval if that is shorter. */
const UNMADE_RETRY_MS = 1000;

/** Lateness up to this is a timer's; more of it is a machine that stood still. */
const TIMER_LATENESS_MS = 50;

/** The health that a check starts with, before its first attempt has ended. */
export type KnownHealth = Pick<CheckState, 'up' | 'sinceMs' | 'lastError'> &
  Partial<Pick<CheckState, 'weight' | 'presumed'>>;

export function firstState(known: KnownHealth, dueMs: number): CheckState {
  const { up, sinceMs, lastError, weight, presumed = false } = known;
  return { up, sinceMs, dueMs, failures: 0, lastError, weight, presumed };
}

export function afterAttempt(state: CheckState, attempt: Attempt, schedule: CheckSchedule): CheckState {
  if (attempt.unmade === true) {
    return { ...state, dueMs: attempt.endedMs + Math.min(schedule.intervalMs, UNMADE_RETRY_MS) };
  }
  if (attempt.more !== undefined && !state.up) {
    const delayMs = attempt.more === 'now' ? 0 : schedule.intervalMs;
    return { ...state, dueMs: nextDue(state, attempt, delayMs) };
  }
  const failures = attempt.error === undefined ? 0 : state.failures + 1;
  const up = attempt.error === undefined || (state.up && failures <= schedule.retries);
  const retrying = up && failures > 0;
  return {
    up,
    sinceMs: up === state.up ? state.sinceMs : attempt.endedMs,
    dueMs: nextDue(state, attempt, retrying ? schedule.retryDelayMs : schedule.intervalMs),
    failures,
    lastError: attempt.error,
    weight: attempt.error === undefined ? attempt.weight : state.weight,
    presumed: false,
  };
}

/**
 * A delay after the attempt's end, less its timer's lateness: that of several timers must not add up. After a machine
 * that stood still nothing is made up for, but checks that were held up together do not stay together: each goes back
 * to its own place in the delay, half a delay earlier or later.
 */
function nextDue(state: CheckState, { startedMs, endedMs }: Attempt, delayMs: number): number {
  const lateness = startedMs - state.dueMs;
  if (lateness <= 0 || delayMs === 0) return endedMs + delayMs;
  const offPlace =
    lateness <= TIMER_LATENESS_MS ? lateness : lateness - Math.round(lateness / delayMs) * delayMs;
  return endedMs + delayMs - offPlace;
}

/**
 * When the `index`-th check is first tried, counted from its start: multiples of the golden ratio lie evenly in the
 * warmup however many there are, the first at once.
 */
export function firstAttemptDelayMs(index: number, warmupMs: number): number {
  return ((index * 0.618_033_988_749_895) % 1) * warmupMs;
}
