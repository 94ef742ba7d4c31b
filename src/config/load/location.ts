/** Where a part of a configuration stands in its file; line and column count from 1. */
export interface ConfigLocation {
  readonly fileName: string;
  readonly line: number;
  readonly column: number;
}

/**
 * Beside the configuration rather than in it: two files that say the same are the same configuration. Weak, so that
 * an outlived configuration takes its locations along.
 */
const locations = new WeakMap<object, ConfigLocation>();

export function rememberLocation(part: object, location: ConfigLocation): void {
  locations.set(part, location);
}

/** The place of the director's interface or a service's VIP; undefined for parts that were not read from a file. */
export function locationOf(part: object): ConfigLocation | undefined {
  return locations.get(part);
}
