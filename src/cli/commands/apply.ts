import { type Command, InvalidArgumentError } from 'commander';
import { MAX_CONFIRM_MS } from '../../config/limits.ts';
import { durationArgument } from '../arguments.ts';
import { changeText } from '../change-text.ts';
import { type ConfigOptions, configOptions } from '../config-options.ts';
import { type Context, examples, print, printJson } from '../context.ts';
import { connect, type DirectorOptions, directorOptions } from '../director.ts';
import { readForDirector } from '../read-for-director.ts';

type ApplyOptions = ConfigOptions & DirectorOptions & { readonly confirm?: number; readonly json?: true };

export function register(program: Command, context: Context): void {
  const command = directorOptions(configOptions(program.command('apply')))
    .description(
      "Have a running director follow a configuration file, in place of the one that it was started with and until that one's content changes or `culvert reload`. A file with errors changes nothing.",
    )
    .argument('<file>', 'the configuration file')
    .option('--confirm <time>', 'go back by itself after this time, unless culvert confirm', confirmArgument)
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
  print(context, `on trial: goes back at ${applied.confirmBefore} unless \`culvert confirm\`\n`);
}

function confirmArgument(text: string): number {
  const milliseconds = durationArgument(text);
  if (milliseconds >= 1 && milliseconds <= MAX_CONFIRM_MS) return milliseconds;
  throw new InvalidArgumentError('It must be a time of up to 24h, as 60s.');
}
