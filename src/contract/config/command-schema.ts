// The schema of a command: a program with its arguments, or a line for the shell.
import { z } from 'zod';
import { option } from '../option.ts';
import { duration, list, mapping, oneOf, pattern } from '../values/fields.ts';

const HOUR = 3_600_000;
const PROGRAM = 'a list of the program and its arguments';
const NO_NUL = 'a text without NUL characters';

/** A setting in two forms; `commandFaults()` reports it where both are given. */
export const runFields = {
  command: list(pattern(/^[^\0]*$/, NO_NUL), PROGRAM).refine(([program = '']) => program !== '', PROGRAM),
  shell: pattern(/^[^\0]*[^\s\0][^\0]*$/, 'a line for the shell'),
};

export const user = pattern(
  /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?$/,
  'a user, or user:group, by name or number',
);

export const commandShape = {
  command: runFields.command.optional(),
  shell: runFields.shell.optional(),
  timeout: option(duration(10, HOUR), {
    default: 30_000,
    defaultText: '`30s`',
    description: '10ms to 1h: a command that takes longer is killed',
  }),
  user: user.optional(),
};

export const commandSchema = z.union([oneOf(['none']), mapping(commandShape)]);

export type WrittenCommand = z.output<typeof commandSchema>;
