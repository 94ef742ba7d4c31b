// `culvert diff`: shows what a configuration file would change.
import { readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import type { ApiClient } from '../../../api/client/client.ts';
import { recogniseFormat } from '../../../config/load/config-format.ts';
import type { WireDiff } from '../../../contract/api/configuration.ts';
import type { ConfigDocument } from '../../../contract/config/config-document.ts';
import { type Context, examples, print, printJson } from '../../command-context.ts';
import { type ConfigOptions, configOptions } from '../../options/config-options.ts';
import { connect, type DirectorOptions, directorOptions } from '../../options/director-options.ts';
import { readForDirector } from '../../options/read-for-director.ts';
import { diffText, isEmpty } from '../../text/diff-text.ts';

type DiffOptions = ConfigOptions & DirectorOptions & { readonly json?: true };

/** The exit statuses of `diff` and `cmp`. */
const DIFFERENCES = 1;
const TROUBLE = 2;

/** A shorter one is parsed before it is sent. */
const WORTH_LENGTH = 20_000;

export function register(program: Command, context: Context): void {
  const command = directorOptions(configOptions(program.command('diff')))
    .description(
      'Show what a configuration file would change in a running director. Exit status: 0 no differences, 1 differences, 2 errors.',
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

/** The director has read a text much like it already, as a rule, so that the whole need not be parsed once more. */
async function diffOfText(
  file: string,
  { format }: ConfigOptions,
  client: ApiClient,
): Promise<WireDiff | undefined> {
  // Another time it may be a pipe.
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
  const text = readFileSync(file, 'utf8');
  const isYaml = (format ?? recogniseFormat(file, text)) === 'yaml';
  return isYaml && text.length >= WORTH_LENGTH ? client.diffYaml(text) : undefined;
}

async function diff(file: string, options: DiffOptions, context: Context): Promise<void> {
  context.failAs(TROUBLE);
  const client = await connect(options, context);
  const document = (): Promise<ConfigDocument> => readForDirector(file, { options, client }, context);
  const found = (await diffOfText(file, options, client)) ?? (await client.diff(await document()));
  if (options.json) printJson(context, found);
  else print(context, isEmpty(found) ? 'no differences\n' : diffText(found, context.style));
  if (!isEmpty(found)) context.exit(DIFFERENCES);
}
