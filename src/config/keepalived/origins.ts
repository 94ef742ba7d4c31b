import type { IssuePath } from '../issue.ts';
import type { Place } from './place.ts';

/** Where a value comes from: the keyword that says it. */
export interface Origin {
  readonly place: Place;
  readonly keyword: string;
}

/** Of translated values: the places that an error in them is told at. */
export class Origins {
  readonly #origins = new Map<string, Origin>();

  set(path: IssuePath, origin: Origin): void {
    this.#origins.set(path.join('.'), origin);
  }

  /** Of the value at `path`, or else of the nearest thing that it is in. */
  nearest(path: IssuePath): Origin | undefined {
    for (let length = path.length; length > 0; length--) {
      const origin = this.#origins.get(path.slice(0, length).join('.'));
      if (origin !== undefined) return origin;
    }
    return undefined;
  }
}
