import { createHash } from 'node:crypto';
import type { TransportProtocol } from '../../forwarding/forwarding-table.ts';
import type { CulvertConfig } from '../schema/config.ts';

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

/** YAML that a configuration was read from: a text that differs little from it is read sooner (`reread`). */
const texts = new WeakMap<CulvertConfig, string>();

export function rememberText(config: CulvertConfig, text: string): void {
  texts.set(config, text);
}

export function textOf(config: CulvertConfig): string | undefined {
  return texts.get(config);
}

/** A document in JSON: a tenth of what the values would take, and cheap to hand on to other processes and files. */
export interface DocumentParts {
  /** All but `services`. */
  readonly head: string;
  /** Each separately, so that a reload makes only the changed ones again. */
  readonly services: readonly string[];
}

interface Remembered {
  readonly parts: DocumentParts;
  revision: string | undefined;
}

/** Beside the configuration rather than in it, as its locations are: it is the same one, however it is written. */
const documents = new WeakMap<CulvertConfig, Remembered>();

/** @param document The values that the configuration was read from; they are valid. */
export function rememberDocument(config: CulvertConfig, document: unknown): void {
  const { services, ...head } = document as ConfigDocument;
  const parts = { head: JSON.stringify(head), services: services.map((service) => JSON.stringify(service)) };
  rememberParts(config, parts);
}

export function rememberParts(config: CulvertConfig, parts: DocumentParts): void {
  documents.set(config, { parts, revision: undefined });
}

export function documentParts(config: CulvertConfig): DocumentParts {
  return remembered(config).parts;
}

export function documentOf(config: CulvertConfig): ConfigDocument {
  return JSON.parse(documentText(config)) as ConfigDocument;
}

/** The same for the same document, another one for any other. */
export function revisionOf(config: CulvertConfig): string {
  const entry = remembered(config);
  entry.revision ??= createHash('sha256').update(documentText(config)).digest('hex').slice(0, 16);
  return entry.revision;
}

function documentText(config: CulvertConfig): string {
  const { head, services } = documentParts(config);
  return `${head.slice(0, -1)},"services":[${services.join(',')}]}`;
}

function remembered(config: CulvertConfig): Remembered {
  const entry = documents.get(config);
  if (entry === undefined)
    throw new Error('a configuration without a document: it was read by none of the readers');
  return entry;
}
