// Runs the checks that a world asks for, and turns what they find into inputs.
import type { CheckConnector } from '../dataplane/check-connector.ts';
import type { LastAttempt } from '../health/check-state.ts';
import { Checker, type WantedCheck } from '../health/checker.ts';
import type { CheckResult } from './step/input.ts';
import type { World } from './world/world.ts';

export interface CheckRunnerOptions {
  readonly connector: CheckConnector;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly onResult: (result: CheckResult) => void;
  /** Called before each attempt. @throws Error a local shortage: it is not made */
  readonly requireRoom: () => void;
  readonly signal: AbortSignal;
}

/** Runs the checks of a world. They keep a clock that never goes back; a world has the time of day. */
export class CheckRunner {
  readonly #checker: Checker;
  /** Milliseconds since 1970 at which that clock began. Read once, so that a moment is always reported the same. */
  readonly #originMs: number;

  constructor({ now, onResult, ...options }: CheckRunnerOptions) {
    const originMs = now() - performance.now();
    this.#originMs = originMs;
    this.#checker = new Checker({
      ...options,
      onResult: (key, { dueMs: _dueMs, ...state }, shortage) =>
        onResult({ key, state: { ...state, sinceMs: Math.round(originMs + state.sinceMs) }, shortage }),
    });
  }

  /** Makes the checks of this world those that run. Those that stay keep their schedule. */
  follow({ model, services }: World): void {
    const wanted: WantedCheck[] = [];
    for (const [key, [place]] of model.placesByCheck) {
      const one = place && services[place.service]?.reals[place.real];
      const index = one?.checks.findIndex((check) => check.key === key) ?? -1;
      const [check, state] = [one?.real.checks[index], one?.checks[index]?.state];
      if (check === undefined || state === undefined) continue;
      const known = { ...state, sinceMs: state.sinceMs - this.#originMs };
      wanted.push({ check, known, soon: state.presumed && !check.alpha });
    }
    this.#checker.update(wanted);
  }

  /** Returns the last attempt of a check; undefined until one has been made. */
  last(key: string): LastAttempt | undefined {
    return this.#checker.last(key);
  }
}
