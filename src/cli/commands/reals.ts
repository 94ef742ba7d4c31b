import type { Command } from 'commander';
import { type Context, examples, print, printJson } from '../context.ts';
import { connect, type DirectorOptions, directorOptions } from '../director.ts';
import { realsTable } from '../reals-table.ts';

export function register(program: Command, context: Context): void {
  const command = directorOptions(program.command('reals'))
    .description('List the real servers of a running director, with weight, flows and health.')
    .option('--json', 'print JSON');
  examples(command, 'culvert reals', 'culvert reals --json', 'culvert reals --instance eth0').action(
    async (options: DirectorOptions & { readonly json?: true }) => {
      const reals = await (await connect(options, context)).reals();
      if (options.json) printJson(context, reals);
      else print(context, reals.length === 0 ? 'no reals\n' : realsTable(reals, context.style, Date.now()));
    },
  );
}
