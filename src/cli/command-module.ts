// The exports of a command's file.
import type { Command } from 'commander';
import type { Context } from './command-context.ts';
import type { Listing } from './options/listing.ts';

/** The exports of a command's file. */
export interface CommandModule {
  register(program: Command, context: Context): void;
  /** Set for a command that needs no parser for the usual command line. */
  readonly listing?: Listing<never>;
}
