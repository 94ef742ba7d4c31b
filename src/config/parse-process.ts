import { CulvertError } from '../errors.ts';
import type { CulvertConfig } from './config.ts';
import { type DocumentParts, documentParts } from './document.ts';
import { type ConfigLocation, locationOf } from './location.ts';
import { type FormatOptions, parseText } from './parse-text.ts';

/** The program of the process that `loadConfig` starts for a large file: parses one text and ends. */
export interface ParseTask {
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
      /** Of `director`, then of each service. */
      readonly locations: readonly (ConfigLocation | undefined)[];
    }
  | { readonly message: string; readonly where: string | undefined };

process.once('message', (task: ParseTask) => process.send?.(run(task)));

function run({ text, fileName, options }: ParseTask): ParseOutcome {
  try {
    const { config, warnings } = parseText(text, fileName, options);
    const locations = [config.director, ...config.services].map(locationOf);
    return { config, document: documentParts(config), warnings, locations };
  } catch (error) {
    if (!(error instanceof CulvertError)) throw error;
    return { message: error.message, where: error.where };
  }
}
