// Reads a document that differs little from a former one, by its new services alone.
import type { ConfigDocument } from '../../contract/config/config-document.ts';
import type { ServiceConfig } from '../../contract/config/service-contract.ts';
import { bfdFaults } from '../rules/bfd-contradictions.ts';
import { areContradictory } from '../rules/collisions.ts';
import { validateConfig } from '../validate/validate.ts';
import { type LoadedConfig, loadedConfig } from './loaded-config.ts';

/**
 * Reads a document that differs little from that of a former configuration: only services that are new in it are
 * validated, as that takes most of the time of a change by `ipvsadm`. A service that is written as before, under the same
 * `director` and `defaults`, is the same object.
 * @returns undefined where the whole has to be validated, above all where anything is wrong
 */
export function rereadDocument(before: LoadedConfig, value: unknown): LoadedConfig | undefined {
  if (!isDocument(value)) return undefined;
  const { services: documents, ...rest } = value;
  const head = JSON.stringify(rest);
  const { config: former, document } = before;
  if (head !== document.head) return undefined;
  const known = new Map(document.services.map((text, index) => [text, former.services[index]]));
  const texts = documents.map((service) => JSON.stringify(service));
  const fresh = [...new Set(texts)].filter((text) => known.get(text) === undefined);
  if (fresh.reduce((length, text) => length + text.length, 0) > MAX_FRESH_LENGTH) return undefined;
  if (fresh.length * MIN_KNOWN_PER_FRESH > texts.length + MIN_KNOWN_PER_FRESH) return undefined;
  const { config: read } = validateConfig(
    { ...rest, services: fresh.map((text) => JSON.parse(text) as unknown) },
    String,
  );
  if (read === undefined) return undefined;
  for (const [index, text] of fresh.entries()) known.set(text, read.services[index]);
  const services = texts.map((text) => known.get(text) as ServiceConfig);
  const config = { director: former.director, services };
  if (areContradictory(services) || bfdFaults(config, String).length > 0) return undefined;
  return loadedConfig(config, { head, services: texts });
}

/** The least ratio of known to new parts; with more that is new there is little to save. */
const MIN_KNOWN_PER_FRESH = 2;

/** More is better validated in a process of its own. */
const MAX_FRESH_LENGTH = 50_000;

function isDocument(value: unknown): value is ConfigDocument {
  return typeof value === 'object' && value !== null && 'services' in value && Array.isArray(value.services);
}
