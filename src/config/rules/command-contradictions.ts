// Contradictions within commands.
import type { ConfigIssue, IssuePath } from '../validate/issue.ts';
import { field } from './raw-config.ts';

const COMMANDS = ['onUp', 'onDown', 'onQuorumUp', 'onQuorumDown'];

/** Commands that say nothing to run, or two things. */
export function commandFaults(path: IssuePath, level: unknown): ConfigIssue[] {
  return COMMANDS.flatMap((name) => {
    const value = field(level, name);
    if (typeof value !== 'object' || value === null) return [];
    const both = twoCommands([...path, name], value);
    if (both.length > 0 || field(value, 'command') !== undefined || field(value, 'shell') !== undefined)
      return both;
    const message =
      'command is missing; allowed: a list of the program and its arguments, or shell with a line';
    return [{ path: [...path, name], message }];
  });
}

/** The two are one setting in two forms. */
export function twoCommands(path: IssuePath, value: unknown): ConfigIssue[] {
  if (field(value, 'command') === undefined || field(value, 'shell') === undefined) return [];
  const message = 'found shell next to command; allowed: only one of them';
  return [{ path: [...path, 'shell'], atKey: true, message }];
}
