import type { Command } from 'commander';
import { changeText } from '../change-text.ts';
import { type Context, examples, print, printJson } from '../context.ts';
import { connect, type DirectorOptions, directorOptions } from '../director.ts';

export function register(program: Command, context: Context): void {
  const command = directorOptions(program.command('reload'))
    .description(
      'Make a running director read its configuration file again. A file with errors changes nothing.',
    )
    .option('--json', 'print JSON');
  examples(command, 'culvert reload', 'culvert check culvert.yaml && culvert reload').action(
    async (options: DirectorOptions & { readonly json?: true }) => {
      const summary = await (await connect(options, context)).reload();
      if (options.json) printJson(context, summary);
      else print(context, `${changeText(summary)}\n`);
    },
  );
}
