// The part of a world that is kept over restarts.
import type { KnownHealth } from '../../health/check-state.ts';
import type { DirectorState, DownState } from '../state/state-store.ts';
import type { RealId } from '../world/model.ts';
import { allReals, type World } from '../world/world.ts';
import { lostQuorums } from './carried-health.ts';

export function savedState(world: World): DirectorState {
  const byHand = [...world.byHand];
  const weights = byHand.flatMap(([id, { weight }]) => (weight === undefined ? [] : [[id, weight] as const]));
  return {
    hashKey: world.hashKey,
    overrides: new Map(weights),
    drained: new Set(byHand.filter(([, { drained }]) => drained).map(([id]) => id)),
    down: downStates(world),
    lostQuorums: lostQuorums(world),
  };
}

/** The reals that are down, also those that a configuration on trial does not have. */
function downStates(world: World): ReadonlyMap<RealId, DownState> {
  const down = new Map<RealId, DownState>();
  const note = (id: RealId, { sinceMs, lastError, presumed }: KnownHealth): void => {
    const since = new Date(sinceMs).toISOString();
    down.set(id, { since, error: lastError, ...(presumed === true && { presumed }) });
  };
  for (const [id, health] of world.gone) note(id, health);
  for (const { real, health } of allReals(world)) {
    if (health?.up === false) note(real.id, health);
  }
  return down;
}
