// The health of a real server by all of its checks.
import type { CheckType } from '../contract/checks/probe-config.ts';
import type { CheckState, KnownHealth } from './check-state.ts';
import type { WeightEffect } from './weight-effect.ts';

/** What all checks of a real come to: it is up as long as each of them is. */
export interface RealHealth {
  readonly up: boolean;
  /** When `up` came to be what it is, as far as the checks know. */
  readonly sinceMs: number;
  /** Of the check that has it out, else of one whose last attempt failed; it names the check if there are several. */
  readonly lastError: string | undefined;
  /** Failed attempts of that check in a row. */
  readonly failures: number;
  /** True: down, but no check has been found to fail yet. */
  readonly presumed: boolean;
  /** Of those checks that make something of the weight. */
  readonly weights: readonly WeightEffect[];
}

export interface CheckedBy {
  readonly type: CheckType;
  readonly state: KnownHealth & Partial<Pick<CheckState, 'failures'>>;
}

/** Undefined: unchecked. */
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
