// A document in JSON, and its parts.
import type { ConfigDocument } from '../../contract/config/config-document.ts';

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
