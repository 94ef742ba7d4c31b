// `culvert revert`: rolls a configuration on trial back at once.
import type { Command } from 'commander';
import { type Context, examples, print, printJson } from '../../command-context.ts';
import { connect, type DirectorOptions, directorOptions } from '../../options/director-options.ts';
import { changeText } from '../../text/change-text.ts';

export function register(program: Command, context: Context): void {
  const command = directorOptions(program.command('revert'))
    .description('Roll back at once the configuration that `culvert apply --confirm` applied.')
    .option('--json', 'print JSON');
  examples(command, 'culvert revert').action(async (options: DirectorOptions & { readonly json?: true }) => {
    const summary = await (await connect(options, context)).revert();
    if (options.json) printJson(context, summary);
    else print(context, `rolled back to the previous configuration; ${changeText(summary)}\n`);
  });
}
