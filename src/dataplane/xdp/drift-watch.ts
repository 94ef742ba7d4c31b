// Finds what others have changed behind the director's back, and puts it back.
import type { PlaneEventListener } from '../data-plane.ts';

/** Something that others have changed without the director. */
export interface Drift {
  /** A description of the change. */
  readonly found: string;
  /** The action that was taken, or the one that is left to the operator. */
  readonly done: string;
  /** False if it stays as it is. */
  readonly mended: boolean;
}

/** The most lines reported: more would hide the first ones from the operator. */
const MAX_TOLD = 20;

/** Looks for drift and reports it. A drift that cannot be repaired is reported once while it lasts. */
export class DriftWatch {
  readonly #looks: readonly (() => readonly Drift[])[];
  readonly #onEvent: PlaneEventListener;
  #standing: ReadonlySet<string> = new Set();

  /** @param looks functions that each restore what they find, if possible */
  constructor(looks: readonly (() => readonly Drift[])[], onEvent: PlaneEventListener) {
    this.#looks = looks;
    this.#onEvent = onEvent;
  }

  look(): void {
    const all = this.#looks.flatMap(attempt);
    const fresh = all.filter(({ found, mended }) => mended || !this.#standing.has(found));
    this.#standing = new Set(all.filter(({ mended }) => !mended).map(({ found }) => found));
    for (const { found, done } of fresh.slice(0, MAX_TOLD)) this.#onEvent({ type: 'drift', found, done });
    const more = fresh.length - MAX_TOLD;
    if (more > 0)
      this.#onEvent({ type: 'drift', found: `${more} more differences`, done: 'treated in the same way' });
  }
}

function attempt(look: () => readonly Drift[]): readonly Drift[] {
  try {
    return look();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [
      {
        found: `something that could not be checked or fixed (${message})`,
        done: 'tried again',
        mended: false,
      },
    ];
  }
}
