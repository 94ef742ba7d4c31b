import { type Command, Option } from 'commander';
import type { LabOptions } from '../../lab/lab.ts';
import { durationArgument } from '../arguments.ts';
import { type Context, examples, stopSignal } from '../context.ts';

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
        'them and tell the MTU story. Everything is taken down again at the end.',
    )
    .option('--for <time>', 'end after this time, as 15s (else at Ctrl-C)', durationArgument)
    .option('--json', 'print the outcome as JSON; fails when anything expected did not happen')
    .addOption(
      new Option('--plane <plane>', 'the data plane (else xdp where this machine can)').choices([
        'xdp',
        'simulated',
      ]),
    )
    .addOption(
      new Option(
        '--decapsulation <how>',
        'what the real servers of the xdp plane take the outer header off by',
      )
        .choices(['auto', 'kernel', 'xdp'])
        .default('auto'),
    );
  examples(command, 'culvert lab', 'culvert lab --for 15s --json', 'culvert lab --plane simulated').action(
    (options: LabCommandOptions) => lab(options, context),
  );
}

async function lab(options: LabCommandOptions, context: Context): Promise<void> {
  const { runLab } = await import('../../lab/lab.ts');
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
