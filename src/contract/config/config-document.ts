// A configuration as it is written, in the values that YAML and JSON have for it.
import type { TransportProtocol } from '../../forwarding/forwarding-table.ts';

/** The values of a configuration as they are written, whatever the format: what YAML and JSON have for them. */
export interface ConfigDocument {
  readonly director: Readonly<Record<string, unknown>>;
  readonly defaults?: Readonly<Record<string, unknown>>;
  readonly services: readonly ServiceDocument[];
}

export interface ServiceDocument {
  readonly vip: string;
  readonly protocol?: TransportProtocol;
  readonly port: number | 'all' | readonly (number | string)[];
  readonly reals: readonly RealDocument[];
  readonly [option: string]: unknown;
}

export interface RealDocument {
  readonly address: string;
  readonly [option: string]: unknown;
}
