// The schema of a command: a program with its arguments, or a line for the shell.
import { z } from 'zod';
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

export const commandSchema = z.union([
  oneOf(['none']),
  mapping({
    command: runFields.command.optional(),
    shell: runFields.shell.optional(),
    timeout: duration(10, HOUR).optional(),
    user: user.optional(),
  }),
]);

export type WrittenCommand = z.output<typeof commandSchema>;
