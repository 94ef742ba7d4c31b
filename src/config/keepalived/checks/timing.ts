// Intervals, time limits and retries of checks on every level.
import { LONGEST_TIMER } from '../values/c-number.ts';
import { flag, number, toggle, within } from '../values/keywords.ts';
import {
  type Keyword,
  type Keywords,
  readTimer,
  type Setting,
  type TimerRange,
} from '../values/read-values.ts';

/** The intervals, retries and timeouts of checks, allowed at a virtual server, at a real server and in a check. */
export interface Timing {
  interval?: Setting<string> | undefined;
  timeout?: Setting<string> | undefined;
  retries?: Setting<number> | undefined;
  retryDelay?: Setting<string> | undefined;
  warmup?: Setting<string> | undefined;
  alpha?: Setting<boolean> | undefined;
}

const MAX_UNSIGNED = 2 ** 32 - 1;

interface Timed {
  readonly timing: Timing;
}

/** `connect_timeout` is for checks that connect. */
export const TIMEOUT_KEYWORD: Keywords<Timed> = within('timing', {
  connect_timeout: timer('timeout', { least: 'above 0', most: MAX_UNSIGNED }),
});

const TIMERS = {
  delay_loop: timer('interval', { least: 'above 0', most: LONGEST_TIMER }),
  delay_before_retry: timer('retryDelay', { least: '0', most: LONGEST_TIMER }),
  warmup: timer('warmup', { least: '0', most: LONGEST_TIMER }),
};

/** The timing keywords of a check, whose `retry` may be 0; at the outer levels keepalived requires at least 1. */
export const CHECK_TIMING: Keywords<Timed> = within('timing', {
  ...TIMERS,
  retry: number('retries', { from: 0, to: MAX_UNSIGNED }),
  alpha: toggle('alpha'),
});

export const REAL_SERVER_TIMING: Keywords<Timed> = {
  ...TIMEOUT_KEYWORD,
  ...within('timing', {
    ...TIMERS,
    retry: number('retries', { from: 1, to: MAX_UNSIGNED }, { lenient: false }),
    alpha: toggle('alpha'),
  }),
};

export const VIRTUAL_SERVER_TIMING: Keywords<Timed> = {
  ...TIMEOUT_KEYWORD,
  ...within('timing', {
    ...TIMERS,
    retry: number('retries', { from: 1, to: MAX_UNSIGNED }, { lenient: false }),
    alpha: flag('alpha'),
  }),
};

function timer(name: 'interval' | 'timeout' | 'retryDelay' | 'warmup', range: TimerRange): Keyword<Timing> {
  return {
    parameters: 1,
    read: (statement, timing, findings): void => {
      timing[name] = readTimer(statement, range, findings) ?? timing[name];
    },
  };
}

/** The innermost level that says something counts. */
export function mergeTiming(outer: Timing, inner: Timing): Timing {
  return {
    interval: inner.interval ?? outer.interval,
    timeout: inner.timeout ?? outer.timeout,
    retries: inner.retries ?? outer.retries,
    retryDelay: inner.retryDelay ?? outer.retryDelay,
    warmup: inner.warmup ?? outer.warmup,
    alpha: inner.alpha ?? outer.alpha,
  };
}
