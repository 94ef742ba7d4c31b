// Commands that only show something: their options as plain data, so that they start without commander.
import type { Command } from 'commander';
import { type Context, examples } from '../command-context.ts';
import { addressArgument, InvalidArgumentError, numberArgument, serviceArgument } from './arguments.ts';
import { DIRECTOR_OPTIONS, type DirectorOptions } from './director-options.ts';

/** An option as commander takes it. */
export interface ListingOption {
  /** `--json`, `--service <name>`, `--watch [seconds]`. */
  readonly flags: string;
  readonly description: string;
  /** @throws InvalidArgumentError */
  readonly read?: (text: string) => unknown;
}

/** A command that only shows something. Its options are plain data, so that it can start without commander. */
export interface Listing<Options> {
  readonly name: string;
  readonly description: string;
  readonly options: readonly ListingOption[];
  readonly examples: readonly string[];
  run(options: Options, context: Context): Promise<void>;
}

export interface ListingOptions extends DirectorOptions {
  readonly service?: string;
  readonly real?: string;
  readonly down?: true;
  readonly sort?: string;
  readonly watch?: true | number;
  readonly json?: true;
}

export const JSON_OPTION: ListingOption = { flags: '--json', description: 'print JSON' };

export const SERVICE_OPTION: ListingOption = {
  flags: '--service <name>',
  description: 'only this service, such as tcp:192.0.2.10:80',
  read: serviceArgument,
};

export const REAL_OPTION: ListingOption = {
  flags: '--real <address>',
  description: 'only this real server',
  read: addressArgument,
};

export const WATCH_OPTION: ListingOption = {
  flags: '--watch [seconds]',
  description: 'repeat every 2 seconds, or at this interval, until Ctrl-C',
  read: numberArgument(1, 3600),
};

export function sortOption(keys: readonly string[]): ListingOption {
  return {
    flags: '--sort <key>',
    description: `sort by ${keys.join(', ')}`,
    read: (text) => {
      if (keys.includes(text)) return text;
      throw new InvalidArgumentError(`It must be one of ${keys.join(', ')}.`);
    },
  };
}

/** Registers a listing with commander, which prints its help and its errors. */
export function registerListing<Options>(
  program: Command,
  context: Context,
  listing: Listing<Options>,
): void {
  const command = program.command(listing.name).description(listing.description);
  const known: readonly ListingOption[] = [...DIRECTOR_OPTIONS, ...listing.options];
  for (const { flags, description, read } of known) {
    if (read === undefined) command.option(flags, description);
    else command.option(flags, description, (text: string) => read(text));
  }
  examples(command, ...listing.examples).action((options: Options) => listing.run(options, context));
}

/**
 * The options of a command line that holds nothing but known options, each in full; undefined for any other one, which is
 * commander's to read.
 */
export function readPlainOptions(
  words: readonly string[],
  known: readonly ListingOption[],
): Readonly<Record<string, unknown>> | undefined {
  const options: Record<string, unknown> = {};
  for (let at = 0; at < words.length; at++) {
    const [, name, inline] = /^--([a-z]+)(?:=(.+))?$/.exec(words[at] ?? '') ?? [];
    const option = known.find(({ flags }) => name !== undefined && flags.split(' ')[0] === `--${name}`);
    if (name === undefined || option === undefined) return undefined;
    const next = words[at + 1];
    const isNextValue = next !== undefined && !next.startsWith('-');
    const takes =
      option.flags.includes('<') || (option.flags.includes('[') && (isNextValue || inline !== undefined));
    const text = inline ?? (takes && isNextValue ? next : undefined);
    if (takes !== (text !== undefined)) return undefined;
    if (takes && inline === undefined) at++;
    const value = text === undefined ? true : readValue(option, text);
    if (value === undefined) return undefined;
    options[name] = value;
  }
  return options;
}

function readValue({ read }: ListingOption, text: string): unknown {
  try {
    return read === undefined ? text : read(text);
  } catch {
    return undefined;
  }
}
