import { CulvertError } from '../errors.ts';
import type { CulvertConfig } from './config.ts';
import { type ConfigLocation, locationOf } from './location.ts';
import { parseConfig } from './parse-config.ts';

/** The program of the process that `loadConfig` starts for a large file: parses one text and ends. */
export interface ParseTask {
  readonly text: string;
  readonly fileName: string;
}

/** The whole of `parseConfig`'s outcome in values that processes can pass on. */
export type ParseOutcome =
  | {
      readonly config: CulvertConfig;
      /** Of `director`, then of each service. */
      readonly locations: readonly (ConfigLocation | undefined)[];
    }
  | { readonly message: string; readonly where: string | undefined };

process.once('message', (task: ParseTask) => process.send?.(run(task)));

function run({ text, fileName }: ParseTask): ParseOutcome {
  try {
    const config = parseConfig(text, fileName);
    return { config, locations: [config.director, ...config.services].map(locationOf) };
  } catch (error) {
    if (!(error instanceof CulvertError)) throw error;
    return { message: error.message, where: error.where };
  }
}
