// `culvert drain`: stops sending new flows to a real server.
import { type Command, Option } from 'commander';
import type { WireReal } from '../../../contract/api/service-status.ts';
import { CulvertError } from '../../../errors.ts';
import { type Context, examples, stopSignal } from '../../command-context.ts';
import { durationArgument } from '../../options/arguments.ts';
import { connect } from '../../options/director-options.ts';
import {
  type ChangeRealOptions,
  changeReal,
  changeRealCommand,
  selectorOf,
} from '../../steps/change-real.ts';

interface DrainOptions extends ChangeRealOptions {
  readonly wait?: true;
  readonly timeout: number;
}

const TIMEOUT = { ms: 30 * 60_000, text: '30m' } as const;

export function register(program: Command, context: Context): void {
  const command = changeRealCommand(
    program,
    'drain',
    'Stop sending new flows to a real; it keeps its existing flows. Survives a restart of the director.',
  )
    .option('--wait', 'wait until no connection can be left; report progress on standard error')
    .addOption(
      new Option('--timeout <time>', 'with --wait: give up after this time, with status 1')
        .argParser(durationArgument)
        .default(TIMEOUT.ms, TIMEOUT.text),
    );
  examples(
    command,
    'culvert drain 10.0.3.2',
    'culvert drain 10.0.3.2 --service tcp:192.0.2.10:80',
    'culvert drain 10.0.3.2 --wait --timeout 30m && ssh 10.0.3.2 systemctl stop web',
  ).action((address: string, options: DrainOptions) => drain(address, options, context));
}

async function drain(address: string, options: DrainOptions, context: Context): Promise<void> {
  let drained: readonly WireReal[] = [];
  await changeReal(context, options, async (client) => {
    drained = await client.drain(selectorOf(address, options));
    return drained;
  });
  if (options.wait === undefined) return;
  const { waitDrained } = await import('../../steps/wait-drained.ts');
  using stop = stopSignal(context);
  try {
    await waitDrained(await connect(options, context), {
      reals: drained,
      timeoutMs: options.timeout,
      signal: stop.signal,
      progress: (line) => context.stderr.write(`${line}\n`),
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    throw new CulvertError('TIMEOUT', 'interrupted. Connections may be left, and the real stays drained');
  }
  context.stderr.write(`${address}: no connection is left\n`);
}
