// The weight and health of real servers as they are at the moment.
import type { RealHealth } from '../../health/real-health.ts';
import { weightBy } from '../../health/weight-effect.ts';
import type { Model, ModelReal, RealId } from '../model.ts';

/** The knowledge about reals in addition to their configuration. */
export interface RealView {
  /** Weights that hold instead of the configured ones. */
  readonly overrides: ReadonlyMap<RealId, number>;
  /** They get no new flows, whatever they weigh. */
  readonly drained: ReadonlySet<RealId>;
  /** Returns the health of a real; undefined if it has no check. */
  readonly healthOf: (real: ModelReal) => Pick<RealHealth, 'up' | 'weights'> | undefined;
}

export interface LiveState {
  readonly up: boolean;
  /** The weight while it is up. */
  readonly weight: number;
}

export function liveState(real: ModelReal, { overrides, drained, healthOf }: RealView): LiveState {
  const health = healthOf(real);
  const given = overrides.get(real.id) ?? weightBy(health?.weights ?? [], real.config.weight);
  const weight = drained.has(real.id) ? 0 : given;
  return { up: health?.up !== false, weight };
}

/** Returns the total weight of the reals that are up. */
export function liveWeight(reals: readonly ModelReal[], view: RealView): number {
  let sum = 0;
  for (const real of reals) {
    const { up, weight } = liveState(real, view);
    if (up) sum += weight;
  }
  return sum;
}

export function realsUp({ reals }: Model, view: RealView): ReadonlySet<RealId> {
  const up = [...reals.values()].filter((real) => liveState(real, view).up);
  return new Set(up.map(({ id }) => id));
}
