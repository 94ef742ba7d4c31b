// Contradictions within commands.
import type { ConfigIssue, IssuePath } from '../validate/issue.ts';
import type {
  CommandOptions,
  DefaultOptions,
  PartialConfig,
  RealOptions,
  ServiceOptions,
} from './partial-config.ts';

const OF_REALS = ['onUp', 'onDown'] as const;
const OF_SERVICES = [...OF_REALS, 'onQuorumUp', 'onQuorumDown'] as const;

/** Returns commands that say nothing to run, or two things, at every level that may have commands. */
export function commandFaults({ defaults, services }: PartialConfig): ConfigIssue[] {
  const reals = services.flatMap((service) => service.reals);
  return [
    ...[defaults, ...services].flatMap((level) => faultsOf(level, OF_SERVICES)),
    ...reals.flatMap((real) => faultsOf(real, OF_REALS)),
  ];
}

type Options = Pick<DefaultOptions | ServiceOptions | RealOptions, 'onUp' | 'onDown'> &
  Pick<ServiceOptions, 'onQuorumUp' | 'onQuorumDown'>;

function faultsOf(
  { path, options }: { readonly path: IssuePath; readonly options: Options },
  names: readonly (keyof Options)[],
): ConfigIssue[] {
  return names.flatMap((name) => {
    const command = options[name];
    return typeof command === 'object' ? commandFault([...path, name], command) : [];
  });
}

function commandFault(path: IssuePath, command: CommandOptions): ConfigIssue[] {
  if (command.command !== undefined || command.shell !== undefined) return twoCommands(path, command);
  const message =
    'command is missing; allowed: a list of the program and its arguments, or shell with a line';
  return [{ path, message }];
}

/** The two are one setting in two forms. */
export function twoCommands(
  path: IssuePath,
  { command, shell }: Pick<CommandOptions, 'command' | 'shell'>,
): ConfigIssue[] {
  if (command === undefined || shell === undefined) return [];
  const message = 'found shell next to command; allowed: only one of them';
  return [{ path: [...path, 'shell'], atKey: true, message }];
}
