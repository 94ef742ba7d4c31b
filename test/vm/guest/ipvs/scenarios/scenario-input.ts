import type { Action, GoldenReal, Scenario } from '../../../../golden/ipvs/golden.ts';

/** A scenario before it is played. */
export type ScenarioInput = Omit<Scenario, 'kernels' | 'steps'> & { readonly steps: readonly Action[] };

export interface GoldenSet {
  readonly description: string;
  readonly scenarios: readonly ScenarioInput[];
}

export const VIP = '192.0.2.10';
export const CLIENT = '198.51.100.7';
const NAMES = 'ABCDEFGH';

/** A at 10.0.1.2, B at 10.0.2.2 and so on. */
export function realsOf(weights: readonly number[], fields: Partial<GoldenReal> = {}): GoldenReal[] {
  return weights.map((weight, i) => ({
    name: NAMES.charAt(i),
    address: `10.0.${i + 1}.2`,
    weight,
    ...fields,
  }));
}

export function syn(flows: string): Action {
  return { send: 'SYN', flows };
}
