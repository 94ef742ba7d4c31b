// The effects of checks on a real's weight.

/** The effect of a check on a real's configured weight. */
export type WeightEffect = { readonly set: number } | { readonly add: number };

const MAX_WEIGHT = 65535;

/**
 * Applies the effects of several checks to a weight, as keepalived does: one that sets the weight adds its difference to the
 * configured one.
 */
export function weightBy(effects: readonly WeightEffect[], configured: number): number {
  const differences = effects.map((effect) => ('set' in effect ? effect.set - configured : effect.add));
  const weight = differences.reduce((sum, difference) => sum + difference, configured);
  return Math.min(MAX_WEIGHT, Math.max(0, weight));
}

export function isSameEffect(a: WeightEffect | undefined, b: WeightEffect | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if ('set' in a) return 'set' in b && a.set === b.set;
  return 'add' in b && a.add === b.add;
}
