import type { KnownHealth } from '../health/check-state.ts';
import { weightBy } from '../health/weight-effect.ts';
import type { Model, ModelReal, RealId } from './model.ts';

/** What is known of reals beside their configuration. */
export interface RealView {
  /** Weights that hold instead of the configured ones. */
  readonly overrides: ReadonlyMap<RealId, number>;
  /** Undefined: unchecked. */
  readonly healthOf: (real: ModelReal) => KnownHealth | undefined;
}

export function isUp(real: ModelReal, { healthOf }: RealView): boolean {
  return healthOf(real)?.up !== false;
}

export function realsUp({ reals }: Model, view: RealView): ReadonlySet<RealId> {
  const up = [...reals.values()].filter((real) => isUp(real, view));
  return new Set(up.map(({ id }) => id));
}

/** The weight of a real while it is up. */
export function weightOf(real: ModelReal, { overrides, healthOf }: RealView): number {
  return overrides.get(real.id) ?? weightBy(healthOf(real)?.weight, real.config.weight);
}

/** What the reals that are up weigh together. */
export function liveWeight(reals: readonly ModelReal[], view: RealView): number {
  let sum = 0;
  for (const real of reals) if (isUp(real, view)) sum += weightOf(real, view);
  return sum;
}
