// `culvert weight`: overrides the weight of a real server.
import { type Command, InvalidArgumentError } from 'commander';
import { type Context, examples } from '../../command-context.ts';
import { numberArgument } from '../../options/arguments.ts';
import {
  type ChangeRealOptions,
  changeReal,
  changeRealCommand,
  selectorOf,
} from '../../steps/change-real.ts';

const MAX_WEIGHT = 65_535;

export function register(program: Command, context: Context): void {
  const command = changeRealCommand(
    program,
    'weight',
    'Override the weight of a real, until `configured` ends that. A drained real stays drained. Survives a restart.',
  ).argument('<weight>', `0 to ${MAX_WEIGHT}, or "configured" to end the override`, weightArgument);
  examples(
    command,
    'culvert weight 10.0.3.2 50',
    'culvert weight 10.0.3.2 0 --service tcp:192.0.2.10:80',
    'culvert weight 10.0.3.2 configured',
  ).action(async (address: string, weight: number | null, options: ChangeRealOptions) => {
    await changeReal(context, options, (client) =>
      client.weight({ ...selectorOf(address, options), weight }),
    );
  });
}

function weightArgument(text: string): number | null {
  if (text === 'configured') return null;
  try {
    return numberArgument(0, MAX_WEIGHT)(text);
  } catch {
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${MAX_WEIGHT}, or "configured".`);
  }
}
