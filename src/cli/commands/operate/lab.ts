// `culvert lab`: demonstrates load balancing on this machine.
import { type Command, Option } from 'commander';
import type { LabOptions } from '../../../lab/lab-options.ts';
import { type Context, examples, stopSignal } from '../../command-context.ts';
import { durationArgument } from '../../options/arguments.ts';

interface LabCommandOptions {
  readonly for?: number;
  readonly json?: true;
  readonly plane?: 'xdp' | 'simulated';
  readonly decapsulation: LabOptions['decapsulation'];
}

export function register(program: Command, context: Context): void {
  const command = program
    .command('lab')
    .description(
      'Build a client, a router, a director and three real servers on this machine, balance real traffic between ' +
        'them, and show how path MTU problems are solved. Removes everything at the end.',
    )
    .option('--for <time>', 'end after this time, such as 15s (otherwise at Ctrl-C)', durationArgument)
    .option('--json', 'print the outcome as JSON; the exit status is 1 if anything is not as expected')
    .addOption(
      new Option(
        '--plane <plane>',
        'the data plane (default: xdp where this machine supports it, otherwise simulated)',
      ).choices(['xdp', 'simulated']),
    )
    .addOption(
      new Option('--decapsulation <how>', 'how the real servers decapsulate on the xdp plane')
        .choices(['auto', 'kernel', 'xdp'])
        .default('auto'),
    );
  examples(command, 'culvert lab', 'culvert lab --for 15s --json', 'culvert lab --plane simulated').action(
    (options: LabCommandOptions) => lab(options, context),
  );
}

async function lab(options: LabCommandOptions, context: Context): Promise<void> {
  const { runLab } = await import('../../../lab/lab.ts');
  using stop = stopSignal(context);
  const status = await runLab({
    forMs: options.for,
    json: options.json ?? false,
    plane: options.plane,
    decapsulation: options.decapsulation,
    stdout: context.raw.stdout,
    stderr: context.raw.stderr,
    signal: stop.signal,
  });
  context.exit(status);
}
