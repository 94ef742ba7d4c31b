// Remembers which keyword each translated value comes from.
import type { IssuePath } from '../../validate/issue.ts';
import type { Place } from '../text/place.ts';

/** The keyword that sets a value. */
export interface Origin {
  readonly place: Place;
  readonly keyword: string;
}

/** The places at which errors in translated values are reported. */
export class Origins {
  readonly #origins = new Map<string, Origin>();

  set(path: IssuePath, origin: Origin): void {
    this.#origins.set(path.join('.'), origin);
  }

  /** The origin of the value at `path`, or of its nearest parent. */
  nearest(path: IssuePath): Origin | undefined {
    for (let length = path.length; length > 0; length--) {
      const origin = this.#origins.get(path.slice(0, length).join('.'));
      if (origin !== undefined) return origin;
    }
    return undefined;
  }
}
