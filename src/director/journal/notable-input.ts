// Leaves out of an input what changes nothing that packets or people see.
import type { CheckResult, Input } from '../step/input.ts';
import { checkOf, type FoundHealth, type World } from '../world/world.ts';

/**
 * Returns the part of an input that is worth writing; undefined if nothing is. Attempts that found what was known already are left
 * out: thousands of them pass, or fail again, every few seconds.
 */
export function notableInput<One extends Input>(before: World, input: One): One | undefined {
  if (input.kind !== 'checks') return input;
  const notable = notableResults(before, input.results);
  return notable.length === 0 ? undefined : { ...input, results: notable };
}

/** Each result is compared with the one before it, which may be of the same input. */
function notableResults(before: World, results: readonly CheckResult[]): CheckResult[] {
  const latest = new Map<string, { readonly state: FoundHealth; readonly shortage: string | undefined }>();
  return results.filter(({ key, state, shortage }) => {
    const known = latest.get(key) ?? checkOf(before, key);
    if (known === undefined) return false;
    const found = shortage === undefined ? state : known.state;
    latest.set(key, { state: found, shortage: shortage?.code });
    return shortage?.code !== known.shortage || isNews(known.state, found, isLogged(before, key));
  });
}

/** A check that is down may go on to fail, if nobody wants to know of each failure. */
function isNews(before: FoundHealth, after: FoundHealth, isLoggedEach: boolean): boolean {
  const countsFailures = after.up || isLoggedEach;
  return (
    before.up !== after.up ||
    before.presumed !== after.presumed ||
    before.sinceMs !== after.sinceMs ||
    before.lastError !== after.lastError ||
    (countsFailures && before.failures !== after.failures) ||
    JSON.stringify(before.weight) !== JSON.stringify(after.weight)
  );
}

function isLogged({ model }: World, key: string): boolean {
  const place = model.placesByCheck.get(key)?.[0];
  const real = place && model.services[place.service]?.reals[place.real];
  return real?.checks.find((check) => check.key === key)?.logAllFailures === true;
}
