import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { ipvsadm } from '../ipvsadm.ts';

/** Its options are ipvsadm's, read by nobody else: not even --help. */
export function register(program: Command, context: Context): void {
  program
    .command('ipvsadm')
    .description(
      "Take ipvsadm's commands, as they are, for a running director; `culvert ipvsadm -h` lists them.",
    )
    .helpOption(false)
    .allowUnknownOption()
    .argument('[words...]', 'what stands behind ipvsadm')
    .action(async (words: readonly string[]) => context.exit(await ipvsadm(words, context)));
}
