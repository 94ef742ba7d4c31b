// The health of a real server by all of its checks.
import type { CheckType } from '../contract/checks/probe-config.ts';
import type { CheckState, KnownHealth } from './check-state.ts';
import type { WeightEffect } from './weight-effect.ts';

/** The health of a real by all of its checks: it is up while each of them is. */
export interface RealHealth {
  readonly up: boolean;
  /** The time of the last change of `up`, as far as the checks know. */
  readonly sinceMs: number;
  /**
   * The error of the check that has taken the real out, otherwise of one whose last attempt failed. It names the check if there
   * are several.
   */
  readonly lastError: string | undefined;
  /** Failed attempts of that check in a row. */
  readonly failures: number;
  /** True: down, but no check has been found to fail yet. */
  readonly presumed: boolean;
  /** The effects of the checks that change the weight. */
  readonly weights: readonly WeightEffect[];
}

export interface CheckedBy {
  readonly type: CheckType;
  readonly state: KnownHealth & Partial<Pick<CheckState, 'failures'>>;
}

/** Combines checks to the health of a real; undefined if it has no check. */
export function healthBy(checks: readonly CheckedBy[]): RealHealth | undefined {
  const [first] = checks;
  if (first === undefined) return undefined;
  const down = checks.filter(({ state }) => !state.up);
  const up = down.length === 0;
  const faulty = down[0] ?? checks.find(({ state }) => state.lastError !== undefined) ?? first;
  const { lastError, failures = 0 } = faulty.state;
  const since = (up ? checks : down).map(({ state }) => state.sinceMs);
  return {
    up,
    sinceMs: up ? Math.max(...since) : Math.min(...since),
    lastError: checks.length > 1 && lastError !== undefined ? `${faulty.type}: ${lastError}` : lastError,
    failures,
    presumed: !up && down.every(({ state }) => state.presumed === true),
    weights: checks.flatMap(({ state: { weight } }) => (weight === undefined ? [] : [weight])),
  };
}
