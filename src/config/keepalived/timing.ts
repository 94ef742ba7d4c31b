import type { Findings } from './place.ts';
import { type Keywords, readNumber, readTimer, type Setting } from './read-values.ts';
import type { Statement } from './statement.ts';

/** How often and how patiently is checked; may stand at a virtual server, at a real server and in a check. */
export interface Timing {
  interval?: Setting<string> | undefined;
  timeout?: Setting<string> | undefined;
  retries?: Setting<number> | undefined;
  retryDelay?: Setting<string> | undefined;
}

const MAX_UNSIGNED = 2 ** 32 - 1;

interface Timed {
  readonly timing: Timing;
}

/** In a check `retry` may be 0; at the levels around it keepalived wants at least 1. */
export function timingKeywords(leastRetries: 0 | 1): Keywords<Timed> {
  return {
    delay_loop: timer('above 0', 'interval'),
    connect_timeout: timer('above 0', 'timeout'),
    delay_before_retry: timer('0', 'retryDelay'),
    retry: {
      parameters: 1,
      read: (statement: Statement, { timing }: Timed, findings: Findings): void => {
        timing.retries =
          readNumber(statement, { from: leastRetries, to: MAX_UNSIGNED }, findings) ?? timing.retries;
      },
    },
  };
}

function timer(least: '0' | 'above 0', name: 'interval' | 'timeout' | 'retryDelay'): Keywords<Timed>[string] {
  return {
    parameters: 1,
    read: (statement, { timing }, findings): void => {
      timing[name] = readTimer(statement, least, findings) ?? timing[name];
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
  };
}
