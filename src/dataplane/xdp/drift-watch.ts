// Finds what others have changed behind the director's back, and puts it back.
import type { PlaneEventListener } from '../data-plane.ts';

/** Something that others have changed behind the director's back. */
export interface Drift {
  /** What is another than it was left. */
  readonly found: string;
  /** What was done about it, or has to be. */
  readonly done: string;
  /** False: it stays as it is found. */
  readonly mended: boolean;
}

/** More lines than this hide the first ones from the operator. */
const MAX_TOLD = 20;

/** Looks for drift, and tells of it: of what cannot be mended once for as long as it stays. */
export class DriftWatch {
  readonly #looks: readonly (() => readonly Drift[])[];
  readonly #onEvent: PlaneEventListener;
  #standing: ReadonlySet<string> = new Set();

  /** @param looks Each mends what it finds, if it can be. */
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
