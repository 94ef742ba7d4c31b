import type { Command } from 'commander';
import type { WireReload } from '../../api/wire.ts';
import { type Context, examples, print, printJson } from '../context.ts';
import { connect, type DirectorOptions, directorOptions } from '../director.ts';

export function register(program: Command, context: Context): void {
  const command = directorOptions(program.command('reload'))
    .description(
      'Have a running director read its configuration file again. A file with errors changes nothing.',
    )
    .option('--json', 'print JSON');
  examples(command, 'culvert reload', 'culvert check culvert.yaml && culvert reload').action(
    async (options: DirectorOptions & { readonly json?: true }) => {
      const summary = await (await connect(options, context)).reload();
      if (options.json) printJson(context, summary);
      else print(context, `${reloadText(summary)}\n`);
    },
  );
}

function reloadText(summary: WireReload): string {
  const services = changes(summary.servicesAdded, summary.servicesChanged, summary.servicesRemoved);
  const reals = changes(summary.realsAdded, summary.realsChanged, summary.realsRemoved);
  return `services: ${services}; reals: ${reals}; applied in ${summary.applyMs.toFixed(1)} ms`;
}

function changes(added: number, changed: number, removed: number): string {
  return added + changed + removed === 0
    ? 'as before'
    : `${added} added, ${changed} changed, ${removed} removed`;
}
