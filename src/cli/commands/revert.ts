import type { Command } from 'commander';
import { changeText } from '../change-text.ts';
import { type Context, examples, print, printJson } from '../context.ts';
import { connect, type DirectorOptions, directorOptions } from '../director.ts';

export function register(program: Command, context: Context): void {
  const command = directorOptions(program.command('revert'))
    .description('Go back at once from what `culvert apply --confirm` has put on trial.')
    .option('--json', 'print JSON');
  examples(command, 'culvert revert').action(async (options: DirectorOptions & { readonly json?: true }) => {
    const summary = await (await connect(options, context)).revert();
    if (options.json) printJson(context, summary);
    else print(context, `back to what was before; ${changeText(summary)}\n`);
  });
}
