// Prints a listing again and again on a terminal.
import { printableJson } from '../../printable-text.ts';
import { type Context, printPaced, stopSignal } from '../command-context.ts';
import { isTerminal } from './terminal.ts';

const USUAL_SECONDS = 2;
/** Cursor to the top left, and everything from there on away. */
const CLEAR = '\u001b[H\u001b[J';
const CLEAR_ALL = '\u001b[2J';

/** Prints a text once; with `--watch` again and again, on a terminal in the same place, until SIGINT or SIGTERM. */
export async function printWatched(
  context: Context,
  watch: true | number | undefined,
  text: () => Promise<string>,
): Promise<void> {
  if (watch === undefined) return printPaced(context, await text());
  // Loaded here, as a listing that is printed once does without it.
  const { setTimeout } = await import('node:timers/promises');
  using stop = stopSignal(context);
  const terminal = isTerminal(context.stdout);
  const intervalMs = (watch === true ? USUAL_SECONDS : watch) * 1000;
  for (let round = 0; !stop.signal.aborted; round++) {
    const shown = await text();
    // Control characters are removed from what is written through the context, so this writes to the raw stream.
    if (terminal) context.raw.stdout.write((round === 0 ? CLEAR_ALL : '') + CLEAR);
    await printPaced(context, terminal || round === 0 ? shown : `\n${shown}`);
    await setTimeout(intervalMs, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}

export function jsonText(value: unknown): string {
  return `${printableJson(value, 2)}\n`;
}
