// Colours, where the terminal shows them.
import { isTerminal } from './terminal.ts';

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Colour = keyof typeof CODES;

/** Text in a colour, where the terminal shows colours. */
export type Style = (colour: Colour, text: string) => string;

export const PLAIN: Style = (_colour, text) => text;

/** Colours only on a terminal, and not where the operator said no (no-color.org). */
export function styleFor(stream: NodeJS.WritableStream, env: NodeJS.ProcessEnv): Style {
  if (!coloursOn(stream, env)) return PLAIN;
  return (colour, text) => `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}

export function coloursOn(stream: NodeJS.WritableStream, env: NodeJS.ProcessEnv): boolean {
  return isTerminal(stream) && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}
