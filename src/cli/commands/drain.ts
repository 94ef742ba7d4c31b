import type { Command } from 'commander';
import { type ChangeRealOptions, changeReal, changeRealCommand, selectorOf } from '../change-real.ts';
import { type Context, examples } from '../context.ts';

export function register(program: Command, context: Context): void {
  const command = changeRealCommand(
    program,
    'drain',
    'Let a real keep its flows and send it no new ones. Survives a restart of the director.',
  );
  examples(command, 'culvert drain 10.0.3.2', 'culvert drain 10.0.3.2 --service tcp:192.0.2.10:80').action(
    async (address: string, options: ChangeRealOptions) => {
      await changeReal(context, options, (client) => client.drain(selectorOf(address, options)));
    },
  );
}
