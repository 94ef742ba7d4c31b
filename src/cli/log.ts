// The log on standard error: text on a terminal, JSON lines elsewhere.
import type { Log } from '../director/event-log.ts';
import type { Context } from './command-context.ts';
import { type Colour, styleFor } from './tables/style.ts';

/** Log lines on standard error: for people on a terminal, else as JSON for whatever collects them. */
export async function openLog({ stderr, env }: Context): Promise<Log> {
  if ('isTTY' in stderr && stderr.isTTY === true) return terminalLog(stderr, env);
  const { pino } = await import('pino');
  const formatters = { level: (label: string) => ({ level: label }) };
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, stderr);
  return {
    info: (message) => log.info(message),
    warn: (message) => log.warn(message),
    error: (message) => log.error(message),
  };
}

function terminalLog(stream: NodeJS.WritableStream, env: NodeJS.ProcessEnv): Log {
  const style = styleFor(stream, env);
  const line = (colour: Colour, level: string) => (message: string) => {
    const time = new Date().toTimeString().slice(0, 'hh:mm:ss'.length);
    stream.write(`${style('dim', time)}  ${style(colour, level.padEnd('warning'.length))}  ${message}\n`);
  };
  return { info: line('cyan', 'info'), warn: line('yellow', 'warning'), error: line('red', 'error') };
}
