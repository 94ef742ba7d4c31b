// The steps that `drain`, `undrain` and `weight` share.
import type { Command } from 'commander';
import type { ApiClient } from '../../api/client/client.ts';
import type { WireRealSelector } from '../../contract/api/requests.ts';
import type { WireReal } from '../../contract/api/service-status.ts';
import { type Context, print, printJson } from '../command-context.ts';
import { addressArgument, serviceArgument } from '../options/arguments.ts';
import { connect, type DirectorOptions, directorOptions } from '../options/director-options.ts';
import { realsTable } from '../tables/reals-table.ts';
import { terminalWidth } from '../tables/terminal.ts';

export interface ChangeRealOptions extends DirectorOptions {
  readonly service?: string;
  readonly json?: true;
}

/** A command that changes one real, or one address in every service. */
export function changeRealCommand(program: Command, name: string, description: string): Command {
  const command = program
    .command(name)
    .description(description)
    .argument('<address>', 'the real server', addressArgument)
    .option('--service <name>', 'only in this service, such as tcp:192.0.2.10:80', serviceArgument)
    .option('--json', 'print the changed reals as JSON');
  return directorOptions(command);
}

/** Makes the change and shows what it changed. */
export async function changeReal(
  context: Context,
  options: ChangeRealOptions,
  change: (client: ApiClient) => Promise<readonly WireReal[]>,
): Promise<void> {
  const changed = await change(await connect(options, context));
  if (options.json) printJson(context, changed);
  else {
    const { style, stdout } = context;
    const width = terminalWidth(stdout);
    print(context, realsTable(changed, { style, width, nowMs: Date.now(), isGrouped: true }));
  }
}

export function selectorOf(address: string, { service }: ChangeRealOptions): WireRealSelector {
  return service === undefined ? { address } : { address, service };
}
