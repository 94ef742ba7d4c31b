import { CulvertError } from '../../errors.ts';
import type { CulvertConfig } from '../schema/config.ts';
import { type DocumentParts, documentParts } from './document.ts';
import { type ConfigLocation, locationOf } from './location.ts';
import { type FormatOptions, type ParsedText, parseText, routesFor } from './parse-text.ts';
import { readDocument } from './read-document.ts';

/** The process of `run-parse-process.ts`: it parses one configuration and ends. */
export type ParseTask = TextTask | DocumentTask;

export interface DocumentTask {
  /** In JSON. */
  readonly document: string;
}

export interface TextTask {
  readonly text: string;
  readonly fileName: string;
  readonly options: FormatOptions & { readonly hostName: string };
}

/** The whole of `parseText`'s outcome in values that processes can pass on. */
export type ParseOutcome =
  | {
      readonly config: CulvertConfig;
      readonly document: DocumentParts;
      readonly warnings: readonly string[];
      /** The place of `director`, then of each service. */
      readonly locations: readonly (ConfigLocation | undefined)[];
    }
  | { readonly message: string; readonly where: string | undefined };

process.once('message', (task: ParseTask) => void run(task).then((outcome) => process.send?.(outcome)));

async function run(task: ParseTask): Promise<ParseOutcome> {
  try {
    const { config, warnings } = await parse(task);
    const locations = [config.director, ...config.services].map(locationOf);
    return { config, document: documentParts(config), warnings, locations };
  } catch (error) {
    if (!(error instanceof CulvertError)) throw error;
    return { message: error.message, where: error.where };
  }
}

async function parse(task: ParseTask): Promise<ParsedText> {
  if ('document' in task) return { config: readDocument(JSON.parse(task.document)), warnings: [] };
  const { text, fileName, options } = task;
  return parseText(text, fileName, options, await routesFor(text, fileName, options));
}
