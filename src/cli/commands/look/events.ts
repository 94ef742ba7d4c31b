// `culvert events`: shows the events of a running director.
import type { Command } from 'commander';
import type { DirectorEvent } from '../../../contract/api/event.ts';
import { printableJson } from '../../../printable-text.ts';
import { type Context, examples, printPaced, stopSignal } from '../../command-context.ts';
import { numberArgument } from '../../options/arguments.ts';
import { connect, type DirectorOptions, directorOptions } from '../../options/director-options.ts';
import { followOverRestarts } from '../../steps/follow-events.ts';
import type { Colour } from '../../tables/style.ts';
import { terminalWidth } from '../../tables/terminal.ts';
import { wrapWords } from '../../tables/wrap-words.ts';

type EventsOptions = DirectorOptions & {
  readonly after: number;
  readonly follow?: true;
  readonly json?: true;
};

const LEVEL_COLOUR: Readonly<Record<DirectorEvent['level'], Colour>> = {
  info: 'cyan',
  warning: 'yellow',
  error: 'red',
};

export function register(program: Command, context: Context): void {
  const command = directorOptions(program.command('events'))
    .description(
      'Show the events of a running director, such as reals that go down and come up, reloads and cured black holes.',
    )
    .option('--after <sequence>', 'only events after this one', numberArgument(0, 2 ** 53 - 1), 0)
    .option('-f, --follow', 'keep printing new events, until Ctrl-C')
    .option('--json', 'print one JSON object per line');
  examples(command, 'culvert events', 'culvert events --follow', 'culvert events --json --after 120').action(
    (options: EventsOptions) => showEvents(context, options),
  );
}

async function showEvents(context: Context, options: EventsOptions): Promise<void> {
  const client = await connect(options, context);
  using stop = stopSignal(context);
  const onGone = (message: string): void => void context.stderr.write(`culvert: ${message}\n`);
  const events = options.follow
    ? followOverRestarts(client, { after: options.after, signal: stop.signal, onGone })
    : await client.events(options.after);
  for await (const event of events) {
    await printPaced(context, `${options.json ? printableJson(event) : eventLine(event, context)}\n`);
  }
}

function eventLine(event: DirectorEvent, { style, stdout }: Context): string {
  const { time, level, type, message } = event;
  const [levelCell, typeCell] = [level.padEnd('warning'.length), type.padEnd(16)];
  const width = terminalWidth(stdout);
  const taken = `${time}  ${levelCell}  ${typeCell}  `.length;
  const lines = width === undefined ? [message] : wrapWords(message, width, taken);
  return `${style('dim', time)}  ${style(LEVEL_COLOUR[level], levelCell)}  ${typeCell}  ${lines.join('\n')}`;
}
