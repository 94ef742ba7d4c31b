// The command that holds at the innermost level which says something.
import type { WrittenCommand } from '../../contract/config/command-schema.ts';
import type { CommandConfig } from '../../linux/process/command-config.ts';

export const DEFAULT_COMMAND_TIMEOUT_MS = 30_000;

/** @param levels the innermost first */
export function innermostCommand(
  ...levels: readonly (WrittenCommand | undefined)[]
): CommandConfig | undefined {
  const written = levels.find((level) => level !== undefined);
  if (written === undefined || written === 'none') return undefined;
  const { command = [], shell, timeout, user } = written;
  return {
    run: shell === undefined ? { command } : { shell },
    timeoutMs: timeout ?? DEFAULT_COMMAND_TIMEOUT_MS,
    user,
  };
}
