// Takes the results of checks into a world.
import { healthBy, type RealHealth } from '../../health/real-health.ts';
import { isSameEffect, weightBy } from '../../health/weight-effect.ts';
import { describeCheck, describeDown, describeFailure, nameReal } from '../world/event-words.ts';
import type { Place } from '../world/model.ts';
import type { CheckWorld, FoundHealth, RealWorld } from '../world/world.ts';
import type { Draft } from './draft.ts';
import type { CheckResult } from './input.ts';
import { shortageBegun, shortageEnded } from './shortages.ts';

export function takeChecks(draft: Draft, results: readonly CheckResult[]): void {
  for (const result of results) {
    const places = draft.world.model.placesByCheck.get(result.key) ?? [];
    // A check that ended while another configuration took effect may have no reals any more.
    if (places.length === 0) continue;
    noteShortage(draft, result, places[0] as Place);
    for (const place of places) takeResult(draft, result, place);
  }
}

function noteShortage(draft: Draft, { key, shortage }: CheckResult, place: Place): void {
  const before = draft.realAt(place)?.checks.find((check) => check.key === key);
  const { shortages, unmadeAttempts } = draft.world;
  if (shortage !== undefined) draft.change({ unmadeAttempts: unmadeAttempts + 1 });
  if (before?.shortage === shortage?.code) return;
  let after = shortages;
  if (before?.shortage !== undefined) after = shortageEnded(after, before.shortage, draft.nowMs);
  if (shortage !== undefined) {
    const begun = shortageBegun(after, shortage, draft.nowMs);
    after = begun.shortages;
    draft.report(begun.events);
  }
  draft.change({ shortages: after });
}

function takeResult(draft: Draft, { key, state, shortage }: CheckResult, place: Place): void {
  const before = draft.realAt(place);
  const index = before?.checks.findIndex((check) => check.key === key) ?? -1;
  const check = before?.checks[index];
  if (before === undefined || check === undefined) return;
  const unmade = shortage !== undefined;
  const taken: CheckWorld = { ...check, shortage: shortage?.code, ...(unmade ? {} : { state }) };
  const checks = before.checks.with(index, taken);
  const after: RealWorld = { ...before, checks, health: healthBy(checks) };
  const turned = !unmade && hasTurned(check.state, state);
  draft.setReal(place, after, turned);
  if (turned) reportTurn(draft, { before, after, check, state });
  else if (!unmade && state.failures > 0 && before.real.checks[index]?.logAllFailures === true)
    draft.event('warning', 'check-failed', describeFailure(before.real, state));
}

/** Returns true if a check has turned, has shown what was only presumed, or makes another weight. */
function hasTurned(before: FoundHealth, after: FoundHealth): boolean {
  if (after.up !== before.up || (before.presumed && !after.presumed)) return true;
  return !isSameEffect(after.weight, before.weight);
}

interface Turn {
  readonly before: RealWorld;
  readonly after: RealWorld;
  readonly check: CheckWorld;
  readonly state: FoundHealth;
}

function reportTurn(draft: Draft, { before: { real, health: former }, after, check, state }: Turn): void {
  draft.save();
  const now = after.health;
  if (now === undefined || former === undefined) return;
  const proved = former.presumed && !now.presumed;
  if (now.up && !former.up) {
    draft.event('info', 'real-up', `${nameReal(real)} is up`);
    draft.tellReal(after, true);
  } else if (!now.up && (former.up || proved)) {
    draft.event('warning', 'real-down', describeDown(real, now));
    draft.tellReal(after, false, now.lastError);
  } else if (state.up !== check.state.up) {
    draft.event('info', state.up ? 'check-up' : 'check-down', describeCheck(real, check.key, state));
  }
  reportWeight(draft, after, [former, now]);
}

function reportWeight(draft: Draft, { real }: RealWorld, health: readonly [RealHealth, RealHealth]): void {
  const [before, after] = health.map(({ weights }) => weightBy(weights, real.config.weight));
  if (before !== after)
    draft.event('info', 'check-weight', `${nameReal(real)}: weight ${after} by its check`);
}
