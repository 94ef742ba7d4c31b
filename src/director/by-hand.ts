// The changes that an operator made to reals of a running director.
import type { RealId } from './model.ts';
import type { DirectorState } from './state/state-store.ts';

/** The changes that an operator made to one real. The weight is undefined where the configured one holds. */
export interface Handling {
  readonly weight: number | undefined;
  /** It gets no new flows, whatever it weighs. */
  readonly drained: boolean;
}

/** A weight and a drain are two things: a drained real has its weight again when the drain is over. */
export class ByHand {
  readonly #overrides: Map<RealId, number>;
  readonly #drained: Set<RealId>;

  constructor({ overrides, drained }: Pick<DirectorState, 'overrides' | 'drained'>) {
    this.#overrides = new Map(overrides);
    this.#drained = new Set(drained);
  }

  get overrides(): ReadonlyMap<RealId, number> {
    return this.#overrides;
  }

  get drained(): ReadonlySet<RealId> {
    return this.#drained;
  }

  of(id: RealId): Handling {
    return { weight: this.#overrides.get(id), drained: this.#drained.has(id) };
  }

  set(id: RealId, { weight, drained }: Handling): void {
    if (weight === undefined) this.#overrides.delete(id);
    else this.#overrides.set(id, weight);
    if (drained) this.#drained.add(id);
    else this.#drained.delete(id);
  }

  /** Forgets what was done to other reals than these. */
  keepOnly(reals: ReadonlyMap<RealId, unknown>): void {
    for (const id of this.#overrides.keys()) if (!reals.has(id)) this.#overrides.delete(id);
    for (const id of this.#drained) if (!reals.has(id)) this.#drained.delete(id);
  }
}
