// The checks of a configuration, and what they have found.
import type { CheckConnector } from '../dataplane/check-connector.ts';
import type { ServiceName } from '../forwarding/forwarding-table.ts';
import { formatServiceName } from '../forwarding/service-name.ts';
import type { Check } from '../health/check-identity.ts';
import type { CheckState, KnownHealth, LastAttempt } from '../health/check-state.ts';
import { Checker, type CheckerOptions, type WantedCheck } from '../health/checker.ts';
import { type CheckedBy, healthBy, type RealHealth } from '../health/real-health.ts';
import type { IpAddress } from '../net/address/ip-address.ts';
import type { Model, ModelReal, ModelService, RealId } from './model.ts';
import type { DirectorState, DownState } from './state/state-store.ts';

export interface HealthBoardOptions {
  readonly connector: CheckConnector;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly onChange: (checkKey: string, health: CheckState, before: CheckState) => void;
  readonly onFailure: (checkKey: string, health: CheckState) => void;
  /** The callback for shortages, as in `CheckerOptions`. */
  readonly onShortage: NonNullable<CheckerOptions['onShortage']>;
  readonly requireRoom: () => void;
  readonly signal: AbortSignal;
}

export interface CheckedState extends CheckedBy {
  readonly state: CheckState;
  /** The last attempt; undefined until one has been made. */
  readonly last: LastAttempt | undefined;
}

/** Returns the known health of a real before this check of it began. */
export type FormerHealth = (real: ModelReal, check: Check) => KnownHealth | undefined;

/** The states of checks by their keys. */
type States = (key: string) => (KnownHealth & Partial<CheckState>) | undefined;

/** The health of reals: whose check is which, carried from model to model and from run to run. */
export class HealthBoard {
  readonly #checker: Checker;
  /**
   * The offset of the monotonic clock, in milliseconds since 1970. It is read once, so that a moment is always reported the same.
   */
  readonly #originMs: number;
  /** Failed reals that a configuration on trial does not have: they may come back with the former one. */
  readonly #gone = new Map<RealId, KnownHealth>();

  constructor({ now, ...options }: HealthBoardOptions) {
    this.#checker = new Checker(options);
    this.#originMs = now() - performance.now();
  }

  /** Returns the health of a real; undefined if it has no check. */
  of(real: ModelReal): RealHealth | undefined {
    return healthIn(real, (key) => this.#checker.state(key));
  }

  /** Returns the health of a real when this one check of it still was `before`. */
  ofBefore(real: ModelReal, checkKey: string, before: CheckState): RealHealth | undefined {
    return healthIn(real, (key) => (key === checkKey ? before : this.#checker.state(key)));
  }

  checksOf(real: ModelReal): readonly CheckedState[] {
    return real.checks.flatMap(({ key, type }) => {
      const state = this.#checker.state(key);
      return state === undefined ? [] : [{ type, state, last: this.#checker.last(key) }];
    });
  }

  /**
   * The checks that a model asks for, by key. One that is not under way begins with what is known of its reals from
   * before, under whatever check that was: a failed one stays failed until an attempt has passed.
   */
  plan(model: Model, former: FormerHealth): ReadonlyMap<string, WantedCheck> {
    const plan = new Map<string, WantedCheck>();
    for (const [key, reals] of model.realsByCheck) {
      const check = reals[0]?.checks.find((one) => one.key === key);
      if (check === undefined) continue;
      const known =
        this.#checker.state(key) ?? worst(reals.map((real) => former(real, check))) ?? unknown(check);
      plan.set(key, { check, known, soon: known.presumed === true && !check.alpha });
    }
    return plan;
  }

  carryOut(plan: ReadonlyMap<string, WantedCheck>): void {
    this.#checker.update([...plan.values()]);
  }

  /**
   * Returns the board's knowledge by the reals' names, for the next model, whose checks may differ. A service that has another
   * name there takes its failed reals along.
   * @param isOut returns true if a service is without its quorum: unproven health does not end that
   */
  formerIn(before: Model, after: Model, isOut: (service: ServiceName) => boolean): FormerHealth {
    const names = serviceNames(after);
    const failed = this.#failedIn(before.services.filter(({ name }) => !names.has(name)));
    return (real, check) => {
      const same = before.reals.get(real.id);
      const health = same && this.of(same);
      if (same === undefined || health === undefined) {
        const known = this.#gone.get(real.id) ?? failed.get(real.config.address);
        return known ?? (isOut(formatServiceName(real.service)) ? unproven() : undefined);
      }
      const alike = same.checks.find(({ type }) => type === check.type);
      return { ...health, weight: alike && this.#checker.state(alike.key)?.weight };
    };
  }

  #failedIn(services: readonly ModelService[]): Map<IpAddress, KnownHealth> {
    const failed = new Map<IpAddress, KnownHealth>();
    for (const real of services.flatMap(({ reals }) => reals)) {
      const health = this.of(real);
      if (health?.up === false)
        failed.set(real.config.address, { ...health, weight: undefined, presumed: true });
    }
    return failed;
  }

  /**
   * Remembers the failed reals of `before` that `after` does not have. Call it before `carryOut` of a model that may be rolled
   * back.
   */
  keepGone(before: Model, after: Model): void {
    for (const real of before.reals.values()) {
      const health = after.reals.has(real.id) ? undefined : this.of(real);
      if (health?.up === false && !health.presumed) this.#gone.set(real.id, health);
    }
  }

  forgetGone(): void {
    this.#gone.clear();
  }

  /**
   * Returns what the earlier run knew of a model's reals, and keeps what it knew of reals that are gone.
   * @param serving whether the plane was sending to a real: the state may be lost
   */
  formerFrom(
    { down, lostQuorums }: Pick<DirectorState, 'down' | 'lostQuorums'>,
    serving: ReadonlyMap<RealId, boolean>,
    model: Model,
  ): FormerHealth {
    const known = ({ since, error }: DownState): KnownHealth => {
      const sinceMs = Date.parse(since) - this.#originMs;
      return { up: false, sinceMs, lastError: error };
    };
    for (const [id, state] of down) if (!model.reals.has(id)) this.#gone.set(id, known(state));
    const isOut = new Map(
      model.services.map(({ name, reals }) => {
        const served = reals.map(({ id }) => serving.get(id)).filter((one) => one !== undefined);
        const isKnown = served.length > 0;
        return [name, isKnown && (lostQuorums.has(name) || !served.includes(true))] as const;
      }),
    );
    return ({ id, service }) => {
      const state = down.get(id);
      if (state !== undefined) return known(state);
      const served = serving.get(id);
      if (served === undefined) return isOut.get(formatServiceName(service)) ? unproven() : undefined;
      return served
        ? healthy()
        : { ...healthy(), up: false, lastError: 'it was down before the director restarted', presumed: true };
    };
  }

  /** Returns the failed reals, for the next run. */
  downStates(model: Model): ReadonlyMap<RealId, DownState> {
    const down = new Map<RealId, DownState>();
    const note = (id: RealId, { sinceMs, lastError }: Pick<KnownHealth, 'sinceMs' | 'lastError'>): void => {
      down.set(id, { since: new Date(this.wallClockMs(sinceMs)).toISOString(), error: lastError });
    };
    for (const [id, health] of this.#gone) note(id, health);
    for (const real of model.reals.values()) {
      const health = this.of(real);
      if (health?.up === false && !health.presumed) note(real.id, health);
    }
    return down;
  }

  /** Checks keep the monotonic clock; people and the state file want the time of day, in milliseconds since 1970. */
  wallClockMs(monotonicMs: number): number {
    return Math.round(this.#originMs + monotonicMs);
  }
}

/** The health of a real whose checks are in these states. */
export function healthIn({ checks }: ModelReal, stateOf: States): RealHealth | undefined {
  const known = checks.flatMap(({ key, type }): CheckedBy[] => {
    const state = stateOf(key);
    return state === undefined ? [] : [{ type, state }];
  });
  return healthBy(known);
}

function worst(all: readonly (KnownHealth | undefined)[]): KnownHealth | undefined {
  return all.find((one) => one?.up === false) ?? all.find((one) => one !== undefined);
}

function unknown({ alpha }: Check): KnownHealth {
  return alpha ? unproven() : healthy();
}

function unproven(): KnownHealth {
  return { ...healthy(), up: false, lastError: 'not checked yet', presumed: true };
}

function serviceNames({ services }: Model): ReadonlySet<ServiceName> {
  return new Set(services.map(({ name }) => name));
}

function healthy(): KnownHealth {
  return { up: true, sinceMs: performance.now(), lastError: undefined };
}
