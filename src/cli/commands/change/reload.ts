// `culvert reload`: makes a running director read its file again.
import type { Command } from 'commander';
import { type Context, examples, print, printJson } from '../../command-context.ts';
import { connect, type DirectorOptions, directorOptions } from '../../options/director-options.ts';
import { changeText } from '../../text/change-text.ts';

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
