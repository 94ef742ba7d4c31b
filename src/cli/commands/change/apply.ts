// `culvert apply`: applies a configuration file to a running director.
import { type Command, InvalidArgumentError } from 'commander';
import { MAX_CONFIRM_MS } from '../../../contract/values/limits.ts';
import { type Context, examples, print, printJson } from '../../command-context.ts';
import { durationArgument } from '../../options/arguments.ts';
import { type ConfigOptions, configOptions } from '../../options/config-options.ts';
import { connect, type DirectorOptions, directorOptions } from '../../options/director-options.ts';
import { readForDirector } from '../../options/read-for-director.ts';
import { changeText } from '../../text/change-text.ts';

type ApplyOptions = ConfigOptions & DirectorOptions & { readonly confirm?: number; readonly json?: true };

export function register(program: Command, context: Context): void {
  const command = directorOptions(configOptions(program.command('apply')))
    .description(
      "Apply a configuration file to a running director, optionally with automatic rollback. It replaces the director's own file until that file's content changes (noticed at a start) or `culvert reload` reads it. A file with errors changes nothing.",
    )
    .argument('<file>', 'the configuration file')
    .option(
      '--confirm <time>',
      'roll back automatically after this time, unless `culvert confirm` runs first',
      confirmArgument,
    )
    .option('--json', 'print JSON');
  examples(
    command,
    'culvert apply new.yaml',
    'culvert apply new.yaml --confirm 60s && ./does-it-work && culvert confirm',
  ).action((file: string, options: ApplyOptions) => apply(file, options, context));
}

async function apply(file: string, options: ApplyOptions, context: Context): Promise<void> {
  const client = await connect(options, context);
  const config = await readForDirector(file, { options, client }, context);
  const applied = await client.apply({ config, confirmMs: options.confirm });
  if (options.json) {
    printJson(context, applied);
    return;
  }
  print(context, `${changeText(applied)}\n`);
  if (applied.confirmBefore === null) return;
  print(
    context,
    `rolls back automatically at ${applied.confirmBefore}, unless \`culvert confirm\` runs first\n`,
  );
}

function confirmArgument(text: string): number {
  const milliseconds = durationArgument(text);
  if (milliseconds >= 1 && milliseconds <= MAX_CONFIRM_MS) return milliseconds;
  throw new InvalidArgumentError('It must be a time of up to 24h, such as 60s.');
}
