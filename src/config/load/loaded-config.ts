// A configuration with its provenance: the document and the text that it was read from, and where its parts stand.
import { createHash } from 'node:crypto';
import type { CulvertConfig } from '../../contract/config/config.ts';
import type { ConfigDocument } from '../../contract/config/config-document.ts';

export interface LoadedConfig {
  readonly config: CulvertConfig;
  /** The values that it was read from, in JSON. */
  readonly document: DocumentParts;
  readonly locations: ConfigLocations;
  /** The YAML that it was read from: a text that differs little from it is read sooner (`reread`). */
  readonly text: string | undefined;
  /** Hash of the document in 16 hexadecimal digits. */
  readonly revision: string;
}

/** A document in JSON: a tenth of what the values would take, and cheap to hand on to other processes and files. */
export interface DocumentParts {
  /** All but `services`. */
  readonly head: string;
  /** Each separately, so that a reload makes only the changed ones again. */
  readonly services: readonly string[];
}

/** The place of each part in its file; undefined for parts that were not read from a file. */
export interface ConfigLocations {
  /** The place of the director's interface. */
  readonly director: ConfigLocation | undefined;
  /** The place of each service's VIP, in the order of `config.services`. */
  readonly services: readonly (ConfigLocation | undefined)[];
}

/** Line and column count from 1. */
export interface ConfigLocation {
  readonly fileName: string;
  readonly line: number;
  readonly column: number;
}

/** @param locations left out for a document, which has no lines */
export function loadedConfig(
  config: CulvertConfig,
  document: DocumentParts,
  locations: ConfigLocations = { director: undefined, services: [] },
): LoadedConfig {
  const revision = createHash('sha256').update(documentText(document)).digest('hex').slice(0, 16);
  return { config, document, locations, text: undefined, revision };
}

export function documentOf({ document }: LoadedConfig): ConfigDocument {
  return JSON.parse(documentText(document)) as ConfigDocument;
}

/** @param document The values of a valid configuration. */
export function documentParts(document: unknown): DocumentParts {
  const { services, ...head } = document as ConfigDocument;
  return { head: JSON.stringify(head), services: services.map((service) => JSON.stringify(service)) };
}

export function documentText({ head, services }: DocumentParts): string {
  return `${head.slice(0, -1)},"services":[${services.join(',')}]}`;
}
