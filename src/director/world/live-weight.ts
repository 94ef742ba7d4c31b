// The weight and health of real servers as they are at the moment.
import { weightBy } from '../../health/weight-effect.ts';
import { handlingOf, type RealWorld, type World } from './world.ts';

/** The changes by hand, which weights depend on. */
export type ByHand = Pick<World, 'byHand'>;

export interface LiveState {
  readonly up: boolean;
  /** The weight while it is up. */
  readonly weight: number;
}

export function liveState({ real, health }: RealWorld, byHand: ByHand): LiveState {
  const handling = handlingOf(byHand, real.id);
  const given = handling.weight ?? weightBy(health?.weights ?? [], real.config.weight);
  return { up: health?.up !== false, weight: handling.drained ? 0 : given };
}

/** Returns the total weight of the reals that are up. */
export function liveWeight(reals: readonly RealWorld[], byHand: ByHand): number {
  let sum = 0;
  for (const real of reals) {
    const { up, weight } = liveState(real, byHand);
    if (up) sum += weight;
  }
  return sum;
}
