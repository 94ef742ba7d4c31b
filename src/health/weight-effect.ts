/** What a check makes of a real's configured weight. */
export type WeightEffect = { readonly set: number } | { readonly add: number };

const MAX_WEIGHT = 65535;

export function weightBy(effect: WeightEffect | undefined, configured: number): number {
  if (effect === undefined) return configured;
  const weight = 'set' in effect ? effect.set : configured + effect.add;
  return Math.min(MAX_WEIGHT, Math.max(0, weight));
}

export function isSameEffect(a: WeightEffect | undefined, b: WeightEffect | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if ('set' in a) return 'set' in b && a.set === b.set;
  return 'add' in b && a.add === b.add;
}
