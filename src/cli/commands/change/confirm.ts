// `culvert confirm`: keeps a configuration that is on trial.
import type { Command } from 'commander';
import { type Context, examples, print, printJson } from '../../command-context.ts';
import { connect, type DirectorOptions, directorOptions } from '../../options/director-options.ts';

export function register(program: Command, context: Context): void {
  const command = directorOptions(program.command('confirm'))
    .description(
      'Keep the configuration that `culvert apply --confirm` applied, and cancel the automatic rollback.',
    )
    .option('--json', 'print JSON');
  examples(command, 'culvert confirm').action(async (options: DirectorOptions & { readonly json?: true }) => {
    const { revision } = await (await connect(options, context)).confirm();
    if (options.json) printJson(context, { revision });
    else print(context, 'confirmed: the applied configuration stays\n');
  });
}
