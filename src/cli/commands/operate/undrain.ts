// `culvert undrain`: ends the drain of a real server.
import type { Command } from 'commander';
import { type Context, examples } from '../../command-context.ts';
import {
  type ChangeRealOptions,
  changeReal,
  changeRealCommand,
  selectorOf,
} from '../../steps/change-real.ts';

export function register(program: Command, context: Context): void {
  const command = changeRealCommand(
    program,
    'undrain',
    'Send new flows to a drained real again, with the weight set by hand or otherwise the configured one.',
  );
  examples(
    command,
    'culvert undrain 10.0.3.2',
    'culvert undrain 10.0.3.2 --service tcp:192.0.2.10:80',
  ).action(async (address: string, options: ChangeRealOptions) => {
    await changeReal(context, options, (client) => client.undrain(selectorOf(address, options)));
  });
}
