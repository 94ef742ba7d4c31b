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

/** A document in JSON: a tenth of what the values would take, and cheap to hand on to other processes and files. */
export interface DocumentParts {
  /** All but `services`. */
  readonly head: string;
  /** Each separately, so that a reload makes only the changed ones again. */
  readonly services: readonly string[];
}

/** @param document The values of a valid configuration. */
export function documentParts(document: unknown): DocumentParts {
  const { services, ...head } = document as ConfigDocument;
  return { head: JSON.stringify(head), services: services.map((service) => JSON.stringify(service)) };
}

export function documentText({ head, services }: DocumentParts): string {
  return `${head.slice(0, -1)},"services":[${services.join(',')}]}`;
}
