// Has a plane use the interfaces of the configuration.
import { isDeepStrictEqual } from 'node:util';
import type { DataPlane } from '../dataplane/data-plane.ts';

/** The interfaces that a plane uses, which a configuration may change. */
export class InterfaceUse {
  readonly #plane: DataPlane;
  #names: readonly string[];

  constructor(plane: DataPlane, names: readonly string[]) {
    this.#plane = plane;
    this.#names = names;
  }

  /** Has the plane use these; if what comes next fails it goes back to the former ones. */
  async change(names: readonly string[], next: () => Promise<void>): Promise<void> {
    const former = this.#names;
    const isSame = isDeepStrictEqual(names, former);
    if (!isSame) await this.#plane.useInterfaces?.(names);
    try {
      await next();
      this.#names = names;
    } catch (error) {
      if (!isSame) await this.#plane.useInterfaces?.(former);
      throw error;
    }
  }
}
