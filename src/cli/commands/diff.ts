import type { Command } from 'commander';
import { type ConfigOptions, configOptions } from '../config-options.ts';
import { type Context, examples, print, printJson } from '../context.ts';
import { diffText, isEmpty } from '../diff-text.ts';
import { connect, type DirectorOptions, directorOptions } from '../director.ts';
import { readForDirector } from '../read-for-director.ts';

type DiffOptions = ConfigOptions & DirectorOptions & { readonly json?: true };

/** As `diff` and `cmp` end. */
const DIFFERENCES = 1;
const TROUBLE = 2;

export function register(program: Command, context: Context): void {
  const command = directorOptions(configOptions(program.command('diff')))
    .description(
      'Show what a configuration file would change in a running director. Exit status 0: nothing, 1: something, 2: trouble.',
    )
    .argument('<file>', 'the configuration file')
    .option('--json', 'print JSON');
  examples(
    command,
    'culvert diff culvert.yaml',
    'culvert diff /etc/keepalived/keepalived.conf',
    'culvert diff culvert.yaml --json',
  ).action((file: string, options: DiffOptions) => diff(file, options, context));
}

async function diff(file: string, options: DiffOptions, context: Context): Promise<void> {
  context.failAs(TROUBLE);
  const client = await connect(options, context);
  const found = await client.diff(await readForDirector(file, { options, client }, context));
  if (options.json) printJson(context, found);
  else print(context, isEmpty(found) ? 'no differences\n' : diffText(found, context.style));
  if (!isEmpty(found)) context.exit(DIFFERENCES);
}
