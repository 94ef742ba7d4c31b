// `culvert ipvsadm`: registers the command; its options are read by src/ipvsadm.
import type { Command } from 'commander';
import type { Context } from '../../command-context.ts';
import { ipvsadm } from '../../steps/run-ipvsadm.ts';

/** Registers the command. Its options are ipvsadm's, so commander parses none of them, not even --help. */
export function register(program: Command, context: Context): void {
  program
    .command('ipvsadm')
    .description(
      'Run an ipvsadm command, unchanged, against a running director. `culvert ipvsadm -h` lists the commands.',
    )
    .helpOption(false)
    .allowUnknownOption()
    .argument('[words...]', 'the arguments of ipvsadm')
    .action(async (words: readonly string[]) => context.exit(await ipvsadm(words, context)));
}
