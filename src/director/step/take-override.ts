// Takes an operator's changes of real servers into a world.
import type { EventType } from '../../contract/api/event-types.ts';
import { CulvertError } from '../../errors.ts';
import { nameReal } from '../world/event-words.ts';
import { selectReals } from '../world/select.ts';
import { type Handling, handlingOf } from '../world/world.ts';
import type { Draft } from './draft.ts';
import type { OverrideInput } from './input.ts';

/** @throws CulvertError NOT_FOUND, USAGE */
export function takeOverride(draft: Draft, { selector, change }: OverrideInput): void {
  requireWeight(change.weight);
  const [type, what] = describeChange(change);
  for (const real of selectReals(draft.world.model, selector)) {
    draft.handle(real.id, { ...handlingOf(draft.world, real.id), ...change });
    draft.event('info', type, `${nameReal(real)}: ${what}`);
  }
}

function requireWeight(weight: number | undefined): void {
  if (weight === undefined || (Number.isInteger(weight) && weight >= 0 && weight <= 65535)) return;
  throw new CulvertError('USAGE', `found weight ${weight}; allowed: a whole number from 0 to 65535`);
}

function describeChange({ weight, drained }: Partial<Handling>): [type: EventType, what: string] {
  if (drained === true) return ['drain', 'drained: it keeps its flows, and new ones go to other reals'];
  if (drained === false) return ['undrain', 'no longer drained'];
  return [
    'weight',
    weight === undefined ? 'back to its configured weight' : `weight ${weight} until the override is cleared`,
  ];
}
