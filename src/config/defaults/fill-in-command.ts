// The command that holds at the innermost level which says something.
import { commandShape, type WrittenCommand } from '../../contract/config/command-schema.ts';
import { fill } from '../../contract/option.ts';
import type { CommandConfig } from '../../linux/process/command-config.ts';

/** @param levels the innermost first */
export function innermostCommand(
  ...levels: readonly (WrittenCommand | undefined)[]
): CommandConfig | undefined {
  const written = levels.find((level) => level !== undefined);
  if (written === undefined || written === 'none') return undefined;
  const { command = [], shell, user } = written;
  return {
    run: shell === undefined ? { command } : { shell },
    timeoutMs: fill(commandShape, written).timeout,
    user,
  };
}
